"""Outcomes of runs, and errors as text."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded, WorkerTerminate
from celery.utils.time import maybe_make_aware
from celery.worker import state as worker_state
from django.utils import timezone

from offload.canvas.freezing import context
from offload.canvas.freezing.context import Continuation
from offload.core.exceptions import (
    FileProblem,
    InvalidDelay,
    InvalidFile,
    InvalidName,
    InvalidProgram,
    InvalidValue,
    JobStopped,
    PermanentError,
)
from offload.core.exceptions.file_problems import FILE_PROBLEMS
from offload.core.outcomes import Failed, Ignored, Rejected, Replaced, Requeued, Stopped, Succeeded
from offload.core.retries import Cause
from offload.worker.pool.outcome import outcome_of
from offload.worker.tasks.attempts import ReplacedBy
from tests.unit.worker.pool.runs import came_to, fine, raising

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.outcomes import Outcome


class Abort(BaseException):
    """An error of a site that passes all its handlers."""


def test_a_value_is_a_success() -> None:
    assert outcome_of(lambda: 42, fine) == (Succeeded(42), None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Ignore(), Ignored()),
        (Reject("no", requeue=True), Rejected(requeue=True)),
        (Reject("no", requeue=False), Rejected(requeue=False)),
        (Retry(when=cast("Any", 7)), Requeued(delay=7.0)),
        (Retry(when=cast("Any", -3)), Requeued(delay=0.0)),
    ],
)
def test_what_celery_means_by_an_exception_is_meant(error: Exception, outcome: Outcome) -> None:
    assert came_to(error) == outcome


@pytest.mark.parametrize("problem", FILE_PROBLEMS.values(), ids=lambda one: one.__name__)
def test_a_problem_of_a_file_is_retried_where_that_makes_sense(problem: type[FileProblem]) -> None:
    outcome = came_to(problem(name="film.mp4", problem="it is so"))

    assert isinstance(outcome, Failed)
    assert outcome.final is not problem.can_retry
    assert outcome.error.type == problem.__name__


@pytest.mark.parametrize(
    ("error", "cause", "final"),
    [
        (ValueError("no"), Cause.FAILED, False),
        (MemoryError(), Cause.FAILED, False),
        (SystemExit(3), Cause.FAILED, False),
        (KeyboardInterrupt(), Cause.FAILED, False),
        (GeneratorExit(), Cause.FAILED, False),
        (asyncio.CancelledError(), Cause.FAILED, False),
        (Abort("enough"), Cause.FAILED, False),
        (WorkerTerminate(1), Cause.FAILED, False),
        (SoftTimeLimitExceeded(), Cause.TIMED_OUT, False),
        (PermanentError("never"), Cause.FAILED, True),
    ],
)
def test_anything_else_is_a_failed_attempt(error: BaseException, cause: Cause, final: bool) -> None:
    outcome = came_to(error)

    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.final) == (cause, final)
    assert outcome.error.type == type(error).__qualname__


@pytest.mark.parametrize(
    "error",
    [
        InvalidDelay(name="timeout", delay=-1, most=60),
        InvalidFile(name="a", problem="a list"),
        InvalidName(name="../a", problem="a slash"),
        InvalidProgram(problem="there is no shell"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_wrong_call_of_a_jobs_methods_is_final(error: Exception) -> None:
    outcome = came_to(error)

    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.final) == (Cause.FAILED, True)


def test_a_run_says_what_it_raised_also_where_that_is_no_exception() -> None:
    outcome = came_to(Abort("enough"))

    assert isinstance(outcome, Failed)
    assert (outcome.error.message, outcome.error.module) == ("enough", __name__)
    assert "Abort: enough" in outcome.error.traceback


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_the_worker_ends_says_nothing(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(worker_state, "should_terminate", code)

    with pytest.raises(WorkerTerminate):
        outcome_of(raising(WorkerTerminate(code)), fine)
    assert isinstance(came_to(SystemExit(code)), Failed)


def test_a_run_that_checks_whether_to_stop_has_stopped() -> None:
    outcome = came_to(JobStopped(job_id="a"))

    assert isinstance(outcome, Stopped)
    assert outcome.error.type == "JobStopped"


def test_a_time_to_retry_at_is_counted_from_now() -> None:
    outcome = came_to(Retry(when=maybe_make_aware(timezone.now() + timedelta(seconds=60))))

    assert isinstance(outcome, Requeued)
    assert 50 < outcome.delay <= 60


@pytest.mark.parametrize(
    ("error", "meant"),
    [(Retry(), RuntimeError), (Retry("no", None), RuntimeError), (Retry(exc=OSError()), OSError)],
)
def test_a_retry_that_nobody_sent_is_a_failed_attempt(
    error: Exception, meant: type[Exception]
) -> None:
    def run() -> None:
        raise error

    outcome, said = outcome_of(run, fine)

    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.error.type) == (Cause.FAILED, meant.__name__)
    assert type(said) is meant


def test_a_canvas_in_the_place_of_a_run_is_kept_as_a_dict() -> None:
    assert came_to(ReplacedBy({"task": "a"})) == Replaced({"task": "a"})  # type: ignore[arg-type]


def test_a_value_that_cannot_be_encoded_ends_its_job_and_is_named() -> None:
    def encode(value: object) -> None:
        raise TypeError("not JSON")

    outcome, error = outcome_of(object, encode)

    assert isinstance(outcome, Failed)
    assert (outcome.final, type(error)) == (True, InvalidValue)
    assert "The result, of type object, cannot be stored: not JSON." in outcome.error.message


@pytest.mark.parametrize(
    ("raised", "cause"),
    [(SoftTimeLimitExceeded(), Cause.TIMED_OUT), (MemoryError(), Cause.FAILED)],
)
def test_what_befalls_a_run_while_its_value_is_encoded_is_not_blamed_on_the_value(
    raised: Exception, cause: Cause
) -> None:
    def encode(value: object) -> None:
        raise raised

    outcome, error = outcome_of(object, encode)

    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.final, error) == (cause, False, raised)


@pytest.fixture
def continued() -> Iterator[None]:
    """Let the run have called `self.retry`."""
    here = context.Running(id="a", epoch=1, root_id="a", priority=None)
    here.continuation = Continuation(args=(1,), kwargs={"b": 2}, delay=-1.0, retries=3)
    token = context.running.set(here)
    yield
    context.running.reset(token)


@pytest.mark.usefixtures("continued")
def test_what_self_retry_sent_is_a_requeue_with_its_arguments() -> None:
    wanted = {"args": (1,), "properties": {"b": 2}, "retries": 3, "delay": 0.0}

    outcome = came_to(Retry(exc=ValueError("why")))

    assert isinstance(outcome, Requeued)
    assert {name: getattr(outcome, name) for name in wanted} == wanted
    assert outcome.error is not None
    assert outcome.error.message == "why"


@pytest.mark.usefixtures("continued")
def test_it_is_one_also_where_it_did_not_raise() -> None:
    outcome, error = outcome_of(lambda: None, fine)

    assert isinstance(outcome, Requeued)
    assert error is None
