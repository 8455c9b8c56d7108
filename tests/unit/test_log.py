from __future__ import annotations

import logging

import pytest

from offload import log, signals
from offload.core.retries import Cause
from offload.core.states import JobState


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return the logger's lines from now on, at every level."""
    caplog.set_level(logging.DEBUG, "offload")
    return caplog


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (JobState.QUEUED, "DEBUG"),
        (JobState.ACTIVE, "DEBUG"),
        (JobState.SUCCEEDED, "DEBUG"),
        (JobState.PENDING, "INFO"),
        (JobState.STOPPED, "INFO"),
        (JobState.GIVEN_UP, "WARNING"),
        (JobState.ERROR, "WARNING"),
    ],
)
def test_a_job_is_told_as_loudly_as_its_state_asks(
    told: pytest.LogCaptureFixture, state: JobState, level: str
) -> None:
    signals.job_changed.send(sender=None, job_id="j1", old="ACTIVE", new=state, epoch=2)
    (record,) = told.records
    assert (record.name, record.levelname) == ("offload", level)
    assert record.getMessage() == f"job j1: ACTIVE -> {state} (epoch 2)"


def test_a_job_is_told_with_what_its_event_knows(told: pytest.LogCaptureFixture) -> None:
    event = signals.StateChange(
        "j1", "ACTIVE", "PENDING", 2, "dam/web", "default", "w1@here", 1, None, 3.14159,
        Cause.TIMED_OUT,
    )  # fmt: skip
    signals.send(event)
    (record,) = told.records
    assert record.getMessage() == (
        "job j1: ACTIVE -> PENDING (epoch 2): dam/web at w1@here, attempt 1, ran 3.14 s, timed out"
    )
    assert record.__dict__["event"] is event


def test_a_job_that_begins_is_told_with_how_long_it_waited(told: pytest.LogCaptureFixture) -> None:
    signals.send(signals.StateChange("j1", "QUEUED", "ACTIVE", 2, "dam/web", "q", None, 1, 0.25))
    (record,) = told.records
    assert record.getMessage().endswith("(epoch 2): dam/web, attempt 1, waited 0.25 s")


@pytest.mark.parametrize(
    ("mode", "reason", "level"),
    [
        ("ready", "announced", "INFO"),
        ("gone", "goodbye", "INFO"),
        ("gone", "no beat for 12 s", "WARNING"),
        ("suspect", "announced", "WARNING"),
        ("reconnecting", "announced", "WARNING"),
    ],
)
def test_an_instance_is_told_with_its_reason(
    told: pytest.LogCaptureFixture, mode: str, reason: str, level: str
) -> None:
    signals.instance_changed.send(
        sender=None, name="w1@here", incarnation="i1", mode=mode, reason=reason
    )
    (record,) = told.records
    assert record.levelname == level
    assert record.getMessage() == f"instance w1@here is {mode}: {reason} (incarnation i1)"


def test_a_stale_attempt_is_a_warning(told: pytest.LogCaptureFixture) -> None:
    signals.stale_attempt.send(sender=None, job_id="j1", epoch=3, began=True)
    (record,) = told.records
    assert record.levelname == "WARNING"
    assert "attempt 3" in record.getMessage()


def test_a_message_that_comes_too_late_is_no_alarm(told: pytest.LogCaptureFixture) -> None:
    signals.stale_attempt.send(sender=None, job_id="j1", epoch=3, began=False)
    assert told.records == []


def test_an_alarm_carries_the_next_step(told: pytest.LogCaptureFixture) -> None:
    signals.alarm.send(sender=None, fact="the sky falls", next_step="look up")
    (record,) = told.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "the sky falls; look up")


def test_importing_it_again_tells_nothing_twice(told: pytest.LogCaptureFixture) -> None:
    signals.alarm.connect(log.log_alarm, dispatch_uid="offload.log")
    signals.alarm.send(sender=None, fact="a", next_step="b")
    assert len(told.records) == 1


def test_a_change_is_told_with_who_made_it(told: pytest.LogCaptureFixture) -> None:
    event = signals.ChangeMade("off", "instance", "a@b", "Switched a@b off.", "root@b", "terminal")
    signals.send(event)
    (record,) = told.records
    assert (record.levelname, record.getMessage()) == (
        "INFO",
        "root@b (terminal): Switched a@b off.",
    )
    assert record.__dict__["event"] is event
