"""The run of a claimed job: call its task, write the end, tell Celery."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from celery.exceptions import Ignore, Retry

from offload.core.exceptions import JobStopped
from offload.core.outcomes import Failed
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.engine import results
from offload.engine.canvas import context
from offload.worker.attempts import NotMine
from offload.worker.finish import Finished, finish
from offload.worker.guest import is_guest
from offload.worker.outcome import info, judged, outcome_of
from offload.worker.softlimit import undisturbed
from offload.worker.tracing import stale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.outcomes import Outcome
    from offload.worker.attempts import Attempt
    from offload.worker.task import OffloadTask

logger = logging.getLogger("offload.worker")


def execute(task: OffloadTask, attempt: Attempt) -> Any:
    """Run a claimed job to the end of its attempt and return what the task returned.

    Raise for Celery what its bookkeeping expects: Retry after a requeue, the task's own
    exception after a failure that is final, Ignore where there is nothing to tell.
    """
    attempt.is_run = True
    attempt.facts = replace(attempt.facts, request=task.request)
    with _heard(task.request, attempt):
        outcome, error = outcome_of(lambda: _run(task, attempt), results.encoded)
    with undisturbed():
        # What follows the job is submitted by its end, not by the run.
        context.running.set(None)
        outcome, error = judged(outcome, error, attempt.watch.end())
        finished = _finish(task, attempt, outcome)
    return _tell(finished, error)


def _run(task: OffloadTask, attempt: Attempt) -> Any:
    if attempt.error is not None:
        raise attempt.error
    return task.run_job(attempt.job, attempt.args, attempt.properties)


@contextmanager
def _heard(request: Any, attempt: Attempt) -> Iterator[None]:
    """Let the request say in a block whether a result is kept; Celery is told to keep none."""
    told = request.ignore_result
    request.ignore_result = attempt.facts.is_silent
    try:
        yield
    finally:
        request.ignore_result = told


def _finish(task: OffloadTask, attempt: Attempt, outcome: Outcome) -> Finished:
    """Write the end; an end that the database will not have is a failed attempt."""
    job, facts = attempt.job, attempt.facts
    try:
        return finish(task, job, facts, outcome)
    except Exception as error:
        logger.exception("what became of job %s cannot be stored", job.id)
        return finish(task, job, facts, Failed(cause=Cause.FAILED, error=info(error)))


def _tell(finished: Finished, error: BaseException | None) -> Any:
    if isinstance(error, KeyboardInterrupt) and is_guest():
        raise error
    if finished.state is None:
        stale(finished.fence)
    if finished.state is JobState.SUCCEEDED:
        return finished.value
    if finished.state is JobState.PENDING:
        cause = error if isinstance(error, Exception) else None
        raise Retry(message="retried by offload", exc=cause, when=cast("Any", finished.delay))
    if isinstance(error, Exception) and not _is_no_failure(finished, error):
        raise error
    raise NotMine(f"job {finished.fence.job_id} is {finished.state} now")


def _is_no_failure(finished: Finished, error: Exception) -> bool:
    """Return whether Celery is to hear of no failure: it has none to tell, or takes it wrongly."""
    stopped = finished.state is JobState.STOPPED and isinstance(error, JobStopped)
    return stopped or isinstance(error, MemoryError | Ignore)
