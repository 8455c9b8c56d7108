"""The run of a claimed job: call its task, write the end, report to Celery."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from celery.app.trace import task_has_custom
from celery.exceptions import Ignore, Retry
from django.db import DataError

from offload.canvas.freezing import context
from offload.core.exceptions import JobStopped, WrongCall
from offload.core.outcomes import Failed, Requeued, Succeeded
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.texts import as_text
from offload.jobs.endings import Ending
from offload.jobs.groups import group_endings
from offload.results import result_backend
from offload.worker.pool.finish import Finished, finish
from offload.worker.pool.guest import is_guest
from offload.worker.pool.outcome import info, judged, outcome_of, unstorable
from offload.worker.pool.softlimit import undisturbed
from offload.worker.pool.tracing import raise_overtaken
from offload.worker.tasks.attempts import NotMine
from offload.worker.tasks.current_job import end_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.outcomes import Outcome, PreparedEnd
    from offload.worker.tasks.attempts import TracedAttempt
    from offload.worker.tasks.task import OffloadTask

#: Hooks that a task is called by after a success.
SUCCESS_HOOKS = ("on_success", "after_return")
logger = logging.getLogger("offload.worker")

#: Errors about a value, whenever it is stored.
UNFIT_VALUE_ERRORS = (TypeError, ValueError, RecursionError, DataError)


def execute(task: OffloadTask, attempt: TracedAttempt) -> Any:
    """Run a claimed job to the end of its attempt and return the task's value.

    Raise the errors that Celery's bookkeeping expects: Retry after a requeue, the task's own
    exception after a final failure, Ignore if there is nothing to report.
    """
    attempt.is_run = True
    attempt.facts = replace(attempt.facts, request=task.request)
    try:
        with _heard(task.request, attempt):
            outcome, error = outcome_of(lambda: _run(task, attempt), result_backend.encoded)
    finally:
        with undisturbed() if attempt.job.scratch.place else nullcontext():
            attempt.job.scratch.remove()
    with undisturbed():
        # The end submits the successors, not the run.
        context.running.set(None)
        outcome, error = judged(outcome, error, attempt.watch.end())
        end_log(attempt.job)
        if isinstance(outcome, Succeeded) and attempt.is_granted:
            attempt.end = _prepared(task, attempt, outcome.value)
        if attempt.end is not None and isinstance(outcome, Succeeded):
            return outcome.value
        finished, error = _finish(task, attempt, outcome, error)
    return _answer(finished, error)


def _prepared(task: OffloadTask, attempt: TracedAttempt, value: object) -> PreparedEnd | None:
    """Return the end that the agent may write, or None if this process is to write it.

    The task's own hooks of a success are called when its end is written.
    """
    if any(task_has_custom(task, hook) for hook in SUCCESS_HOOKS):
        return None
    ending = Ending(key=attempt.job.attempt_key, claimed=attempt.job.claimed, facts=attempt.facts)
    try:
        return group_endings.prepared(ending, value)
    except UNFIT_VALUE_ERRORS:
        return None


def _run(task: OffloadTask, attempt: TracedAttempt) -> Any:
    if attempt.error is not None:
        raise attempt.error
    return task.run_job(attempt.job, attempt.args, attempt.properties)


@contextmanager
def _heard(request: Any, attempt: TracedAttempt) -> Iterator[None]:
    """Show the task, during a block, whether its result is kept, although Celery keeps none."""
    given = request.ignore_result
    request.ignore_result = attempt.facts.is_silent
    try:
        yield
    finally:
        request.ignore_result = given


def _finish(
    task: OffloadTask, attempt: TracedAttempt, outcome: Outcome, error: BaseException | None
) -> tuple[Finished, BaseException | None]:
    """Write the end, and return it with its error; an end that cannot be stored is a failure."""
    job, facts = attempt.job, attempt.facts
    try:
        return finish(task, job, facts, outcome), error
    except Exception as problem:
        logger.exception("what became of job %s cannot be stored", job.id)
        outcome, error = _instead(outcome, problem)
        return finish(task, job, facts, outcome), error


def _instead(outcome: Outcome, problem: Exception) -> tuple[Outcome, BaseException]:
    """Return the failure that replaces an end that cannot be stored."""
    error: Exception = problem
    match outcome:
        case Succeeded(value) if isinstance(problem, UNFIT_VALUE_ERRORS):
            error = unstorable(value, problem)
        case Requeued() if isinstance(problem, UNFIT_VALUE_ERRORS):
            error = WrongCall(f"what self.retry() was given cannot be stored: {as_text(problem)}")
    is_final = error is not problem
    return Failed(cause=Cause.FAILED, error=info(error), final=is_final), error


def _answer(finished: Finished, error: BaseException | None) -> Any:
    if isinstance(error, KeyboardInterrupt) and is_guest():
        raise error
    if finished.state is None:
        raise_overtaken(finished.key)
    if finished.state is JobState.SUCCEEDED:
        return finished.value
    if finished.state is JobState.PENDING:
        when = round(finished.delay, 2)
        raise Retry(exc=_cause(error), when=cast("Any", when))
    if isinstance(error, Exception) and not _is_no_failure(finished, error):
        raise error
    raise NotMine(f"job {finished.key.job_id} is {finished.state} now")


def _cause(error: BaseException | None) -> Exception | None:
    """Return the reason for a retry, for hooks and the log."""
    cause = error.exc if isinstance(error, Retry) else error
    return cause if isinstance(cause, Exception) else None


def _is_no_failure(finished: Finished, error: Exception) -> bool:
    """Return whether to hide a failure from Celery, which cannot report it or would misread it."""
    stopped = finished.state is JobState.STOPPED and isinstance(error, JobStopped)
    return stopped or isinstance(error, MemoryError | Ignore)
