"""A message becomes an attempt: claim, run, finish, tell Celery."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn, cast

from celery.exceptions import Ignore, Retry

from offload.conf import settings
from offload.core.outcomes import Failed
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.tokens import new_secret
from offload.engine import claims, results
from offload.engine.canvas import context
from offload.engine.claims import Facts
from offload.engine.tracking.runs import Claimed, Fence
from offload.signals import stale_attempt
from offload.worker.connections import insist
from offload.worker.current import CurrentJob, running
from offload.worker.finish import Finished, finish
from offload.worker.guest import is_guest
from offload.worker.lease import lease
from offload.worker.outcome import info, judged, outcome_of
from offload.worker.softlimit import undisturbed
from offload.worker.watch import Watch

if TYPE_CHECKING:
    from offload.core.outcomes import Outcome
    from offload.worker.task import OffloadTask

logger = logging.getLogger("offload.worker")


class NotMine(Ignore):
    """This message is not the one to run: its job has moved on, or its end was another's."""


def execute(task: OffloadTask, header: dict[str, Any], args: Any, kwargs: Any) -> Any:
    """Run a message as an attempt of its job and return what the task returned.

    Raise for Celery what its bookkeeping expects: Retry after a requeue, the task's own
    exception after a failure that is final, Ignore where there is nothing to tell.
    """
    if not lease.wait(settings().timeout):
        raise NotMine(f"job {header['id']}: this instance has lost its lease")
    watch = Watch()
    fence = Fence.by(new_secret(), job_id=header["id"], epoch=header["epoch"])
    facts = _facts(task, header)
    claimed = insist(lambda: claims.begin(fence, facts), what=f"claiming job {fence.job_id}")
    if claimed is None:
        _stale(fence)
    job = _job(task, header, fence, claimed)
    watch.begin()
    outcome, error = _run(task, job, claimed, args, kwargs)
    with undisturbed():
        outcome, error = judged(outcome, error, watch.end())
        finished = _finish(task, job, facts, outcome)
    return _tell(finished, error)


def _facts(task: OffloadTask, header: dict[str, Any]) -> Facts:
    request: Any = task.request
    return Facts(
        task=task.name,
        argsrepr=request.argsrepr or "",
        kwargsrepr=request.kwargsrepr or "",
        worker=request.hostname or "",
        is_silent=header.get("silent", False),
    )


def _job(task: OffloadTask, header: dict[str, Any], fence: Fence, claimed: Claimed) -> CurrentJob:
    return CurrentJob(
        id=fence.job_id,
        topic=claimed.topic,
        epoch=fence.epoch,
        attempt=claimed.attempts,
        attempt_fence=fence,
        instance=task.request.hostname or header.get("instance", ""),
        claimed=claimed,
    )


def _run(
    task: OffloadTask, job: CurrentJob, claimed: Claimed, args: Any, kwargs: Any
) -> tuple[Any, BaseException | None]:
    here = context.Running(
        id=job.id,
        epoch=job.epoch,
        root_id=claimed.root_id or job.id,
        priority=claimed.options.get("priority"),
    )
    token = context.running.set(here)
    try:
        with running(job):
            return outcome_of(lambda: task.run_job(job, args, kwargs), results.encoded)
    finally:
        context.running.reset(token)


def _finish(task: OffloadTask, job: CurrentJob, facts: Facts, outcome: Outcome) -> Finished:
    """Write the end; an end that the database will not have is a failed attempt."""
    try:
        return finish(task, job, facts, outcome)
    except Exception as error:
        logger.exception("what became of job %s cannot be stored", job.id)
        return finish(task, job, facts, Failed(cause=Cause.FAILED, error=info(error)))


def _tell(finished: Finished, error: BaseException | None) -> Any:
    if isinstance(error, KeyboardInterrupt) and is_guest():
        raise error
    if finished.state is None:
        _stale(finished.fence)
    if finished.state is JobState.SUCCEEDED:
        return finished.value
    if finished.state is JobState.PENDING:
        cause = error if isinstance(error, Exception) else None
        raise Retry(message="retried by offload", exc=cause, when=cast("Any", finished.delay))
    if isinstance(error, Exception) and not isinstance(error, MemoryError | Ignore):
        raise error
    raise NotMine(f"job {finished.fence.job_id} is {finished.state} now")


def _stale(fence: Fence) -> NoReturn:
    stale_attempt.send_robust(sender=None, job_id=fence.job_id, epoch=fence.epoch)
    logger.info("job %s moved on from epoch %s: nothing was written", fence.job_id, fence.epoch)
    raise NotMine(f"job {fence.job_id} moved on from epoch {fence.epoch}")
