"""The list of sinks: one entry is enough for either way in which a job becomes final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.core.states import JobState
from offload.db import database
from offload.jobs import aftermath, endings, sinks
from offload.jobs.sinks import Phase, Sink
from offload.tracking import terminations
from tests.integration.world import join, row, running, waiting

if TYPE_CHECKING:
    from celery import Celery

    from offload.jobs.sinks import Completion

#: In which phase, on whose end, and whether its transaction was still open.
Seen = list[tuple[str, str, bool]]


@pytest.fixture(autouse=True)
def instance(app: Celery) -> str:
    """Let an instance run jobs."""
    return join()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Return the jobs that a sink of each phase was called for, in that order."""
    found: Seen = []

    def noting(phase: Phase) -> Sink:
        def note(end: Completion) -> None:
            found.append((phase.name, end.job_id, database.in_transaction()))

        return Sink(name="note", phase=phase, wants=lambda _: True, act=note)

    added = [noting(phase) for phase in (Phase.AFTER, Phase.INSIDE, Phase.OUTSIDE)]
    monkeypatch.setattr(sinks, "SINKS", (*added, *sinks.SINKS))
    return found


def test_a_finish_does_what_is_inside_and_then_what_is_outside(seen: Seen) -> None:
    run = running()

    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED

    assert seen == [
        ("INSIDE", run.id, True),
        ("AFTER", run.id, True),
        ("OUTSIDE", run.id, False),
    ]
    assert run.row.aftermath_due is False


def test_who_concludes_does_what_is_outside_before_it_clears_the_mark(seen: Seen) -> None:
    [job] = waiting()
    terminations.stop([job])

    assert aftermath.conclude(job) is True

    assert seen == [("OUTSIDE", job, False), ("INSIDE", job, True), ("AFTER", job, True)]
    assert row(job).aftermath_due is False


def _adding(monkeypatch: pytest.MonkeyPatch, phase: Phase, act: Any) -> None:
    added = Sink(name="report", phase=phase, wants=lambda _: True, act=act)
    monkeypatch.setattr(sinks, "SINKS", (*sinks.SINKS, added))


def test_what_fails_outside_keeps_the_job_due_until_the_sweep_has_done_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [ConnectionError("away"), TimeoutError("slow"), None]

    def act(_: Completion) -> None:
        if (error := answers.pop(0)) is not None:
            raise error

    _adding(monkeypatch, Phase.OUTSIDE, act)
    run = running()

    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED
    assert f"the report of job {run.id} is not stored yet" in caplog.text
    assert [run.row.aftermath_due, aftermath.sweep()] == [True, 0]
    assert [run.row.aftermath_due, aftermath.sweep()] == [True, 1]

    assert (run.row.aftermath_due, answers) == (False, [])


def test_what_fails_inside_undoes_the_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    _adding(monkeypatch, Phase.INSIDE, lambda _: 1 / 0)
    run = running()

    with pytest.raises(ZeroDivisionError):
        endings.succeed(run.ending, 1)

    assert run.row.state == JobState.ACTIVE


def test_what_follows_may_read_the_result_that_goes_before_it() -> None:
    names = [(sink.name, sink.phase) for sink in sinks.SINKS]

    assert names == [
        ("result", Phase.OUTSIDE),
        ("result", Phase.INSIDE),
        ("tail", Phase.INSIDE),
        ("run", Phase.INSIDE),
        ("deliveries", Phase.INSIDE),
        ("placement", Phase.AFTER),
        ("event", Phase.AFTER),
    ]
