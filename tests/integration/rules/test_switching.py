"""Switches with an end, drains, and the ends that come by themselves."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.exceptions import InvalidRule
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.fleet import leadership
from offload.fleet.snapshots import now, snapshot
from offload.models import ChangeRecord, Job, Rule, Switch
from offload.models.versions import raise_version
from offload.operations.changes import own_ends
from offload.operations.changes.actors import at_terminal
from offload.operations.changes.switches import DrainInstance, SwitchOff, SwitchOn
from offload.reading.waiting.explain import explain
from offload.rules import editing
from offload.signals import change_made
from offload.tracking.queries import rerunning_on
from offload.worker.agent.window import Window
from offload.worker.reports import Report
from tests.arranging import arrange
from tests.integration.world import HERE, TOPIC, bound, join, row, running

if TYPE_CHECKING:
    from offload.fleet.leadership import Term

HOUR = timedelta(hours=1)


@pytest.fixture
def here(app: object) -> str:
    """Return the incarnation of an instance that is ready."""
    return join(HERE)


def lead(incarnation: str) -> Term:
    """Return the term of the instance as the leader."""
    term = leadership.acquire(HERE, incarnation)
    assert term is not None
    return term


def past(model: Any) -> None:
    """Let what ends in an hour have ended."""
    model.objects.update(until=now() - timedelta(seconds=1))
    raise_version()
    snapshot(fresh=True)


def test_a_drain_takes_back_what_has_not_begun_and_says_who_until_when_and_why(here: str) -> None:
    job, run = bound()[0], running()

    outcome = DrainInstance(
        instance=HERE, note="new disk", until=now() + HOUR, grace=timedelta(minutes=10)
    ).apply(at_terminal())

    assert outcome.recalled == 1
    assert (row(job.id).state, row(run.id).state) == ("PENDING", "ACTIVE")
    switch = Switch.objects.get()
    assert (switch.drains, switch.note, switch.by) == (True, "new disk", at_terminal().name)
    assert switch.give_back_at is not None
    assert switch.give_back_at - switch.since < timedelta(minutes=11)
    (record,) = ChangeRecord.objects.all()
    assert record.action == "drain"
    assert "its runs are given back after 10 m: new disk." in record.text
    why = explain(TOPIC).sentence
    assert f"{HERE} is drained until {switch.until:%Y-%m-%d %H:%M} UTC: new disk." in why


def test_runs_that_are_left_after_the_grace_are_given_back_unless_they_never_run_twice(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, once = running(), running()
    arrange(Job.objects.filter(pk=once.id), reruns=False)
    DrainInstance(instance=HERE, grace=timedelta()).apply(at_terminal())
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, _: killed.append(pid))
    heart: Any = SimpleNamespace(incarnation=here, trouble=None, is_deaf=False, resumed_at=0.0)
    window = Window(HERE, heart, can_kill=True)
    keys = [(one.id, one.key.epoch) for one in (again, once)]
    snapshot(fresh=True)

    assert rerunning_on(HERE, here) == {keys[0]}
    report = Report(mode=Mode.READY, concurrency=2, running={keys[0]: 11, keys[1]: 12})
    window.look(report)
    window.lose(keys[0], "crashed", "signal 9")

    assert killed == [11]
    given = row(again.id)
    assert (given.state, given.failures, given.crashes) == (JobState.PENDING, 0, 0)
    assert row(once.id).state == JobState.ACTIVE


def test_without_a_grace_nothing_that_runs_is_given_back(here: str) -> None:
    run = running()
    DrainInstance(instance=HERE).apply(at_terminal())
    heart: Any = SimpleNamespace(incarnation=here, trouble=None, is_deaf=False, resumed_at=0.0)

    Window(HERE, heart, can_kill=True).look(
        Report(mode=Mode.READY, concurrency=2, running={(run.id, 1): 11})
    )

    assert row(run.id).state == JobState.ACTIVE


@pytest.mark.parametrize("change", [SwitchOff, DrainInstance])
def test_the_end_of_a_switch_is_an_event_and_a_record(here: str, change: Any) -> None:
    change(instance=HERE, note="new disk", until=now() + HOUR).apply(at_terminal())
    told: list[tuple[str, str, str]] = []

    def hear(*, event: Any, **_: object) -> None:
        told.append((event.action, event.subject, event.actor))

    change_made.connect(hear)
    term = lead(here)
    assert own_ends.end_switches(term) == 0
    past(Switch)
    assert own_ends.end_switches(term) == 1
    assert own_ends.end_switches(term) == 0
    change_made.disconnect(hear)

    assert not Switch.objects.exists()
    assert told == [("end", HERE, "offload")]
    last = ChangeRecord.objects.all()[0]
    assert (last.action, last.entrance, last.actor) == ("end", "time", "offload")
    assert f"{HERE} is on again" in last.text


def test_a_switch_that_was_made_anew_does_not_end_by_its_old_end(here: str) -> None:
    SwitchOff(instance=HERE, until=now() + HOUR).apply(at_terminal())
    past(Switch)
    term = lead(here)
    Switch.objects.update(until=now() + HOUR)

    own_ends.end_switches(term)

    assert Switch.objects.exists()


def test_the_end_of_a_rule_is_a_record_too_and_a_deny_under_it_is_in_force_again(
    here: str,
) -> None:
    editing.deny(HERE, TOPIC)
    editing.allow(HERE, TOPIC, until=now() + HOUR, note="for a while")
    Rule.objects.filter(verb="allow").update(until=now() - timedelta(seconds=1))

    assert own_ends.end_rules(lead(here)) == 1

    (deny,) = Rule.objects.all()
    assert (deny.verb, deny.rests_until) == ("deny", None)
    last = ChangeRecord.objects.all()[0]
    assert (last.action, last.kind, last.subject) == ("end", "instance", HERE)
    assert "for a while" in last.text


def test_a_change_of_the_grade_counts_anew_and_keeps_the_note(here: str) -> None:
    SwitchOff(instance=HERE, note="disk").apply(at_terminal())
    Switch.objects.update(since=now() - HOUR)
    SwitchOff(instance=HERE).apply(at_terminal())
    assert now() - Switch.objects.get().since > timedelta(minutes=59)

    DrainInstance(instance=HERE).apply(at_terminal())
    assert now() - Switch.objects.get().since < timedelta(minutes=1)
    assert Switch.objects.get().note == "disk"
    SwitchOn(instance=HERE).apply(at_terminal())
    assert not Switch.objects.exists()


@pytest.mark.parametrize(
    "facts", [{"until": timedelta(seconds=-1)}, {"grace": timedelta(seconds=-1)}]
)
def test_times_that_are_none_are_refused_and_nothing_is_stored(
    here: str, facts: dict[str, timedelta]
) -> None:
    given: Any = {**facts}
    if "until" in given:
        given["until"] = now() + given["until"]
    with pytest.raises(InvalidRule):
        DrainInstance(instance=HERE, **given).apply(at_terminal())
    assert not Switch.objects.exists()
    assert not ChangeRecord.objects.exists()
