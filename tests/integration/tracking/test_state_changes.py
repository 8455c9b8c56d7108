"""The facts of an event: those that the statement that changes the state returns."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.db import database
from offload.fleet import membership
from offload.jobs import endings
from offload.signals import (
    LOG,
    Alarm,
    AlarmKind,
    ModeChange,
    StateChange,
    instance_changed,
    job_changed,
)
from offload.signals import alarm as alarm_signal
from offload.tracking import claiming, finishing, relays, replacements, requeue, terminations
from offload.tracking import state_changes as telling
from offload.tracking.selectors import one
from tests.integration.world import (
    BROKE,
    HERE,
    TOPIC,
    age,
    bound,
    join,
    key_of,
    lose,
    running,
    statements,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

GIVEN_UP = RetryDecision(
    state=JobState.GIVEN_UP, delay=0, failures=3, crashes=0, reason="enough", cause=Cause.TIMED_OUT
)
AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")


@pytest.fixture(autouse=True)
def instance(app: Celery) -> str:
    """Let an instance run jobs; return its incarnation."""
    return join()


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """Return the events that were sent, of jobs and instances."""
    found: list[Any] = []

    def note(*, event: object, **_: object) -> None:
        found.append(event)

    for signal in (job_changed, instance_changed, alarm_signal):
        signal.connect(note, dispatch_uid="tests.events")
    yield found
    for signal in (job_changed, instance_changed, alarm_signal):
        signal.disconnect(dispatch_uid="tests.events")


def facts(event: StateChange) -> tuple[Any, ...]:
    """Return an event's facts about a job, except for id and durations."""
    return (
        event.old,
        event.new,
        event.epoch,
        event.topic,
        event.queue,
        event.instance,
        event.attempt,
        event.cause,
    )


def test_a_job_is_told_of_from_its_binding_to_its_end(events: list[StateChange]) -> None:
    [job] = bound()
    age([job.id], "created_at", seconds=60)
    claimed = claiming.claim(key := key_of(job))
    assert claimed is not None
    age([job.id], "started_at", seconds=20)
    finishing.succeed(key, 1, aftermath=False)

    assert {event.job_id for event in events} == {job.id}
    assert [facts(event) for event in events] == [
        ("PENDING", "QUEUED", 1, TOPIC, "default", HERE, 0, None),
        ("QUEUED", "ACTIVE", 1, TOPIC, "default", HERE, 1, None),
        ("ACTIVE", "SUCCEEDED", 1, TOPIC, "default", HERE, 1, None),
    ]
    assert [event.is_final for event in events] == [False, False, True]
    assert [event.waited for event in events] == [
        None, pytest.approx(60, abs=5), pytest.approx(40, abs=5),
    ]  # fmt: skip
    assert [event.ran for event in events] == [None, None, pytest.approx(20, abs=5)]


def test_an_event_cannot_be_changed(events: list[StateChange]) -> None:
    bound()

    with pytest.raises(FrozenInstanceError):
        events[0].new = "SUCCEEDED"  # type: ignore[misc]


def test_an_error_says_why(events: list[StateChange]) -> None:
    run = running()

    endings.fail(run.ending, GIVEN_UP, BROKE)

    assert facts(events[-1]) == (
        "ACTIVE", "GIVEN_UP", 1, TOPIC, "default", HERE, 1, Cause.TIMED_OUT,
    )  # fmt: skip
    assert events[-1].ran is not None
    assert events[-1].error_type == f"{BROKE.module}.{BROKE.type}"


def test_an_attempt_that_is_lost_says_where_it_ran_and_how_long(events: list[StateChange]) -> None:
    run = running()
    age([run.id], "started_at", seconds=20)

    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")

    assert facts(events[-1]) == (
        "ACTIVE", "PENDING", 1, TOPIC, "default", HERE, 1, Cause.CRASHED,
    )  # fmt: skip
    assert events[-1].ran == pytest.approx(20, abs=5)
    assert events[-1].waited is None


def test_a_retry_says_why(events: list[StateChange]) -> None:
    run = running()

    endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED)

    assert facts(events[-1])[5:] == (HERE, 1, Cause.FAILED)


def test_what_is_taken_back_before_it_began_does_not_say_where_it_was(
    events: list[StateChange],
) -> None:
    [job] = bound()

    requeue.recall(one((job.id, 1)), cause=Cause.REQUEUED)

    assert facts(events[-1]) == (
        "QUEUED", "PENDING", 1, TOPIC, "default", None, 0, Cause.REQUEUED,
    )  # fmt: skip
    assert (events[-1].ran, events[-1].waited) == (None, None)


def test_ends_without_a_run_say_what_they_know(events: list[StateChange]) -> None:
    [job] = waiting()
    [late] = waiting(expires_in=-1)
    [filled] = waiting(hold="dependency")
    [relay] = waiting(kind="relay", hold="relay", topic="celery/x")
    events.clear()

    terminations.stop([job])
    terminations.expire()
    replacements.succeed(filled, 1)
    relays.close(relay, "SUCCEEDED")

    assert [(event.job_id, *facts(event)) for event in events] == [
        (job, "PENDING", "STOPPED", 0, TOPIC, "default", None, 0, None),
        (late, "PENDING", "EXPIRED", 0, TOPIC, "default", None, 0, None),
        (filled, "PENDING", "SUCCEEDED", 0, TOPIC, "default", None, 0, None),
        (relay, "PENDING", "SUCCEEDED", 0, "celery/x", "default", None, 0, None),
    ]


def test_nothing_is_told_before_the_commit(events: list[StateChange]) -> None:
    with database.atomic():
        bound()
        assert events == []

    assert len(events) == 1


def test_an_instance_that_is_gone_says_how_and_how_many_jobs_moved(
    events: list[Any], instance: str
) -> None:
    running()
    events.clear()

    membership.leave(HERE, instance, reason="no beat for 12 s", crash=True)

    told = [event for event in events if isinstance(event, ModeChange)]
    assert told == [ModeChange(HERE, instance, told[0].mode, "no beat for 12 s", True, 1)]
    assert told[0].is_gone


def test_an_alarm_says_of_which_kind_it_is(events: list[Any]) -> None:
    told = Alarm("the sky falls", "look up", AlarmKind.FLEET_SILENT, (HERE,))

    telling.send_on_commit([told])

    assert events == [told]


def test_no_event_is_made_where_nobody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    monkeypatch.setattr(telling, "send", lambda event: made.append(event.new))
    log_alone = [one for one in job_changed.receivers if one[0][0] == LOG]
    monkeypatch.setattr(job_changed, "receivers", log_alone)
    run = running()

    with statements() as found:
        endings.succeed(run.ending, 1)
    lost = running()
    lose(lost.id, 1, cause=Cause.CRASHED, error="signal 9")

    [finish] = [one for one in found if "finished_at" in one]
    assert " AS ran" not in finish
    # The log tells of that.
    assert made == ["PENDING"]


def test_an_event_costs_no_statement(events: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = running()
    with statements() as heard:
        endings.succeed(run.ending, 1)
    monkeypatch.setattr(job_changed, "receivers", [])
    again = running()
    with statements() as alone:
        endings.succeed(again.ending, 1)

    assert len(heard) == len(alone)
