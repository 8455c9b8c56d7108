"""``offload logs``: what a job has logged, and what it logs while it is followed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management.base import CommandError

from offload.core.job_log import JobLog, LogLine
from offload.core.states import JobState
from offload.models import AttemptLog, Job
from tests.arranging import arrange
from tests.integration.world import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def log(job_id: str, *texts: str, epoch: int = 1, count: int | None = None) -> None:
    """Let an attempt of a job have logged these lines."""
    found = JobLog(lines=tuple(LogLine.of(one, "INFO", AT) for one in texts), count=len(texts))
    facts = {"lines": found.packed()["lines"], "count": count or found.count}
    AttemptLog.objects.update_or_create(job_id=job_id, epoch=epoch, defaults=facts)


@pytest.fixture
def job_id() -> str:
    """Return the id of a job that has ended."""
    [found] = waiting()
    facts: dict[str, Any] = {"state": JobState.SUCCEEDED, "finished_at": AT}
    arrange(Job.objects.filter(pk=found), **facts)
    return found


def test_a_job_without_a_log_says_so(said: Callable[..., str], job_id: str) -> None:
    assert said("logs", job_id) == "It has logged nothing.\n"


def test_lines_are_shown_with_time_and_level(
    said: Callable[..., str], answered: Callable[..., Any], job_id: str
) -> None:
    log(job_id, "read the scene", "done\n  in 3 s")

    shown = said("logs", job_id).splitlines()
    assert shown[0].endswith("INFO read the scene")
    assert shown[-1] == "  in 3 s"
    assert answered("logs", job_id)[0] == {
        "epoch": 1, "at": "2026-11-30T12:00:00Z", "level": "INFO", "text": "read the scene",
    }  # fmt: skip


def test_several_attempts_stand_apart_and_what_is_missing_is_counted(
    said: Callable[..., str], job_id: str
) -> None:
    log(job_id, "a", count=1001)
    log(job_id, "b", epoch=2)

    shown = said("logs", job_id).splitlines()
    assert shown[:2] == ["epoch 1:", "(1,000 lines are left out)"]
    assert shown[3] == "epoch 2:"


def test_an_unknown_job_is_an_error(said: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="no job"):
        said("logs", "nonesuch")


def test_the_job_itself_shows_the_last_lines(
    said: Callable[..., str], answered: Callable[..., Any], job_id: str
) -> None:
    log(job_id, *(f"frame {number}" for number in range(30)))

    shown = said("job", job_id)
    assert "frame 29" in shown
    assert "frame 5" not in shown
    assert len(answered("job", job_id)["log"]) == 30


def test_a_followed_log_shows_each_line_once_until_the_end(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [job_id] = waiting()
    log(job_id, "one")
    steps: Iterator[Callable[[], object]] = iter([
        lambda: log(job_id, "one", "two"),
        lambda: log(job_id, "nine", "ten", count=10),
        lambda: arrange(
            Job.objects.filter(pk=job_id), state=JobState.SUCCEEDED, finished_at=AT
        ),
    ])  # fmt: skip
    monkeypatch.setattr("offload.management.verbs.jobs.logs.time.sleep", lambda _: next(steps)())

    shown = [line.rpartition(" INFO ")[2] for line in said("logs", job_id, "--follow").splitlines()]

    assert shown == ["one", "two", "(6 lines are left out)", "nine", "ten"]
