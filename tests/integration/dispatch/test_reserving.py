"""Jobs that take several places get them, whatever else waits, and no more than there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import offload
from offload.core.exceptions import InvalidPlacement
from offload.core.matching.job_slots import Slots
from offload.core.matching.requirements import Requirements
from offload.dispatch import dispatching, reserving
from offload.fleet import leadership
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Reservation
from offload.models.versions import raise_version
from offload.queues import policies
from offload.tracking import claiming, finishing
from offload.tracking.queries import loads_by_instance
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    Broker,
    join,
    key_of,
    statements,
    states,
    waiting,
)

BIG = Slots(places=2)
ROOMY = Requirements.of({"ram_gb": {">=": 64}})


@pytest.fixture(autouse=True)
def _boots(broker: Broker) -> None:
    """Let two instances with four processes each be here."""
    join(HERE, concurrency=4, facts={"ram_gb": 64})
    join(THERE, concurrency=4, facts={"ram_gb": 8})
    Instance.objects.update(window=6)
    raise_version()


def reserve() -> int:
    """Do the duty once, as the leader."""
    term = leadership.acquire(HERE, Instance.objects.get(name=HERE).incarnation)
    assert term is not None
    return reserving.reserve(term)


def past() -> None:
    """Let the times of all reservations be over."""
    Reservation.objects.update(until=timezone.now() - timedelta(seconds=1))
    raise_version()


def where(*ids: str) -> list[str]:
    """Return where jobs are."""
    return [Job.objects.get(pk=one).instance for one in ids]


def test_a_job_takes_its_places_and_the_rest_is_for_others() -> None:
    [big] = waiting(1, slots=Slots(places=3))

    assert reserve() == 1

    [name] = where(big)
    small = waiting(20)
    dispatching.sweep()
    # One process is left there; the others would wait behind the big one.
    assert loads_by_instance() == {name: 2, {HERE: THERE, THERE: HERE}[name]: 6}
    assert states([big]) == ["QUEUED"]
    assert states(small).count("QUEUED") == 7


def test_small_jobs_do_not_starve_one_that_takes_all() -> None:
    before = waiting(12)
    dispatching.sweep()
    running = {}
    for job in Job.objects.ids(before).filter(instance=HERE)[:2]:
        key = begin(job)
        running[job.pk] = key
    [big] = waiting(1, slots=Slots(places=0), requires=ROOMY)
    later = waiting(10)

    assert reserve() == 0
    # What had not begun there goes back; what follows goes elsewhere.
    assert set(Job.objects.bound().filter(instance=HERE).values_list("pk", flat=True)) == {*running}
    dispatching.sweep()
    assert loads_by_instance()[HERE] == 2
    found = offload.explain(offload.JobHandle(big))
    assert "It takes all places." in found.sentence
    assert "2 of 4 places are free" in found.sentence
    verdicts = {one.instance: str(one.reason) for one in offload.explain(TOPIC).verdicts}
    assert f"{HERE} is kept free until" in verdicts[HERE]

    for key in running.values():
        finishing.succeed(key, None, aftermath=False)
    assert reserve() == 1
    assert where(big) == [HERE]
    dispatching.sweep()
    assert loads_by_instance()[HERE] == 1

    finish(big)
    reserve()
    dispatching.sweep()
    assert not Reservation.objects.exists()
    assert loads_by_instance()[HERE] == 6
    assert "QUEUED" in states(later)


def begin(job: Job) -> Any:
    """Begin a bound job; return its attempt's key."""
    bound: Any = job
    key = key_of(bound)
    assert claiming.claim(key) is not None
    return key


def finish(job_id: str) -> None:
    """Run a bound job to its end."""
    finishing.succeed(begin(Job.objects.get(pk=job_id)), None, aftermath=False)


def test_memory_is_used_up_in_places() -> None:
    ids = waiting(5, slots=Slots(uses=(("ram_gb", 16),)))

    for _ in range(3):
        reserve()

    assert states(ids).count("QUEUED") == 4
    assert set(where(*ids)) == {HERE, ""}
    told = {
        one.instance: str(one.reason) for one in offload.explain(offload.JobHandle(ids[4])).verdicts
    }
    assert "the job uses 16 of ram_gb, and it has ram_gb 8" in told[THERE]


def test_half_is_left_to_others_and_what_was_in_vain_rests() -> None:
    waiting(12)
    dispatching.sweep()
    ids = waiting(4, slots=BIG)
    for job in Job.objects.bound():
        begin(job)

    reserve()
    assert Reservation.objects.filter(rests=False).count() == 1
    past()
    reserve()

    [row] = Reservation.objects.all()
    assert row.rests
    assert not any(one.kept_for for one in snapshot(fresh=True).topology.instances)
    found = offload.explain(offload.JobHandle(ids[0]))
    assert "in vain, and other jobs have their turn" in found.sentence
    past()
    reserve()
    assert [one.rests for one in Reservation.objects.all()] == [False]


def test_a_stopped_job_gives_its_instance_back() -> None:
    waiting(12)
    dispatching.sweep()
    [big] = waiting(1, slots=BIG)
    reserve()
    assert Reservation.objects.count() == 1

    offload.stop(big)
    reserve()

    assert not Reservation.objects.exists()


def test_limits_of_a_queue_hold_for_big_jobs_too() -> None:
    policies.add("two", [TOPIC], max_parallel=2)
    ids = waiting(4, queue="two", slots=BIG)

    for _ in range(3):
        reserve()

    assert states(ids).count("QUEUED") == 2


def test_a_submitted_job_keeps_its_slots_in_its_lane_and_in_a_retry() -> None:
    job = offload.submit(TOPIC, slots=2)
    assert job.row.state == "PENDING"
    assert reserve() == 1
    assert job.row.state == "QUEUED"

    offload.stop(job.id)
    assert offload.retry(job.id).row.lane == job.row.lane
    assert offload.submit(TOPIC, slots=1).row.state == "QUEUED"


def test_a_plain_job_asks_no_more_statements() -> None:
    snapshot(fresh=True)
    with statements() as found:
        offload.submit(TOPIC)

    assert not [one for one in found if "reservation" in one]


@pytest.mark.parametrize("slots", [0, -1, 1.5, True, "some", [], {}, {"ram_gb": -1}, {"a b": 1}])
def test_what_is_no_slots_stores_nothing(slots: Any) -> None:
    with pytest.raises(InvalidPlacement, match="slots is invalid"):
        offload.submit(TOPIC, slots=slots)
    assert Job.objects.count() == 0
