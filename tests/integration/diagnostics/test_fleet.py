"""Instances, consumers and jobs."""

from __future__ import annotations

from offload.core.placement.topology import Mode
from offload.diagnostics import Level, fleet, rows
from offload.fleet import leadership, membership, own_facts, snapshots
from offload.models import Instance, Queue, Rule
from offload.rules import switching
from tests.integration.diagnostics.findings import the
from tests.integration.world import HERE, TASK, THERE, join, waiting


def test_a_fleet_that_nobody_leads_is_a_warning() -> None:
    join()
    assert "There is no leader" in the(Level.WARN, fleet.examine()).fact


def test_instances_in_trouble_are_named_with_their_process() -> None:
    leadership.acquire(HERE, join())
    join(THERE, mode=Mode.SUSPECT)
    found = the(Level.WARN, fleet.examine())
    assert found.fact == f"{THERE} is suspect."
    assert str(Instance.objects.get(pk=THERE).pid) in found.next_step


def test_an_instance_whose_beat_is_old_is_named() -> None:
    leadership.acquire(HERE, join())
    Instance.objects.update(beat_at="2020-01-01T00:00:00Z")
    told = [one.fact for one in fleet.examine() if one.level is Level.WARN]
    assert f"No sign of life, and not declared gone: {HERE}." in told


def test_an_instance_that_is_off_is_named_with_how_to_switch_it_on() -> None:
    leadership.acquire(HERE, join())
    join(THERE)
    switching.switch(THERE, off=True)
    assert the(Level.WARN, fleet.examine()).next_step.endswith(f"manage.py offload on {THERE}")


def test_properties_that_are_not_renewed_are_named_with_what_is_left_of_them() -> None:
    incarnation = join(facts={"gpus": 2})
    leadership.acquire(HERE, incarnation)
    assert [one for one in fleet.examine() if one.level is Level.WARN] == []

    failing = {"gpus": "site.gpus (line 3): ValueError: no device", "disk": "site.disk: it hangs"}
    own_facts.report(HERE, incarnation, load={"providers": failing})

    disk, gpus = (one for one in fleet.examine() if one.level is Level.WARN)
    assert disk.fact == f"The property 'disk' of {HERE} has no value yet: site.disk: it hangs."
    assert gpus.fact == (
        f"The property 'gpus' of {HERE} keeps the value 2: site.gpus (line 3): ValueError: no "
        "device."
    )
    assert f"the log of {HERE}" in gpus.next_step
    own_facts.report(HERE, incarnation, load={"providers": ["written by hand"]})
    assert [one for one in fleet.examine() if one.level is Level.WARN] == []


def test_a_fleet_of_which_none_takes_work_is_a_warning() -> None:
    leadership.acquire(HERE, join(mode=Mode.DRAINING))
    told = [one.fact for one in fleet.examine() if one.level is Level.WARN]
    assert told == ["None of 1 instances takes work.", f"{HERE} is draining."]


def test_instances_without_consumers_are_a_warning() -> None:
    leadership.acquire(HERE, join(consumers=[]))
    assert "consumers.py" in the(Level.WARN, fleet.examine()).next_step


def test_a_broken_consumer_is_named() -> None:
    leadership.acquire(HERE, join())
    Instance.objects.update(broken=[TASK])
    membership.set_mode(HERE, Instance.objects.get().incarnation, Mode.STARTING)
    membership.set_mode(HERE, Instance.objects.get().incarnation, Mode.READY)
    assert TASK in the(Level.WARN, fleet.examine()).fact


def test_jobs_that_nobody_can_run_are_a_warning() -> None:
    leadership.acquire(HERE, join())
    waiting(2, topic="audio/mix")
    found = the(Level.WARN, fleet.examine())
    assert "waiting jobs: 2" in found.fact
    assert found.next_step.endswith("manage.py offload explain audio/mix")


def test_a_duty_of_the_leader_that_fails_is_a_failure() -> None:
    leadership.acquire(HERE, join())
    Instance.objects.update(load={"failing": {"purge": "OverflowError: too far"}})

    found = the(Level.FAIL, fleet.examine())

    assert "'purge' fails: OverflowError: too far" in found.fact
    assert HERE in found.next_step


def test_rows_that_cannot_be_read_are_named_and_stop_nothing() -> None:
    incarnation = join()
    Queue.objects.create(name="garbled", topics={"a": 1}, max_parallel=1)
    Rule.objects.create(verb="deny", scope="planet", target=HERE, pattern="***")
    Instance.objects.update(consumers=[{"pattern": "dam/**", "task": TASK}, {"pattern": 7}, None])
    snapshots.forget()

    current = snapshots.snapshot(fresh=True)

    instance = current.topology.instance(HERE)
    assert instance is not None
    assert (instance.incarnation, len(instance.consumers)) == (incarnation, 1)
    assert current.topology.rules == ()
    assert current.policy("garbled").limit == 1
    told = [one.fact for one in rows.examine()]
    assert ["Rule" in told[0], "Queue garbled" in told[1]] == [True, True]
