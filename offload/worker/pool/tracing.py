"""A job's message: its job is claimed, then run through Celery's tracer with the row's facts."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from billiard.einfo import ExceptionInfo
from celery import states
from celery.app.trace import TraceInfo, build_tracer, trace_ok_t
from celery.exceptions import Ignore
from django.db import InterfaceError, OperationalError

from offload.canvas.freezing import context
from offload.conf import settings
from offload.core.attempt_key import AttemptKey
from offload.core.envelopes import BUILTIN_TASKS, HEADER, Envelope
from offload.core.exceptions import PermanentError
from offload.core.retries import Cause
from offload.core.tokens import new_secret
from offload.jobs import claims
from offload.jobs.late_messages import why_late
from offload.tracking import claiming
from offload.tracking.state_changes import send_stale
from offload.worker.connections import keep_trying
from offload.worker.group_messages import GRANT, WithEnd
from offload.worker.liveness import boottime, lease
from offload.worker.message_facts import facts_of
from offload.worker.pool.session_watch import SessionWatch
from offload.worker.tasks import attempts
from offload.worker.tasks.attempts import NotBegun, NotMine, TracedAttempt
from offload.worker.tasks.current_job import CurrentJob, running
from offload.worker.tasks.declarations import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.jobs.claims import MessageFacts
    from offload.tracking.claiming import Claimed
    from offload.worker.group_messages import GrantedClaim
    from offload.worker.tasks.task import OffloadTask

logger = logging.getLogger("offload.worker")

#: Seconds for which a claim by the agent is known to stand.
FRESH_SECONDS = 1.0
#: Celery's actions after a run, all empty, because a job's message has no successors (R5).
NO_TAIL: dict[str, Any] = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))


def trace(task: OffloadTask, request: dict[str, Any]) -> Any:
    """Turn a message into an attempt; no code of the task runs before the claim or after the end.

    Never raise, because a pool of threads would not notice. Return the value of Celery's tracer.
    """
    try:
        attempt = _begin(task, request)
        with _entered(attempt):
            traced = _tracer(attempt.task)(
                attempt.job.id, attempt.args, attempt.properties, _request(request, attempt)
            )
            return _with_end(traced, attempt)
    except Ignore as error:
        logger.info("%s", error)
        return _ignored(error)
    except Exception as error:
        logger.exception("a message of job %s failed around its attempt", request["id"])
        return _ignored(NotBegun(Cause.FAILED, f"{type(error).__name__}: {error}"))


def _tracer(task: OffloadTask) -> Any:
    if task.__trace__ is None:
        task.__trace__ = build_tracer(task.name, task, app=task.app)
    tracer: Any = task.__trace__
    return tracer.inner


def _with_end(traced: Any, attempt: TracedAttempt) -> Any:
    """Let the tracer's value bring along the end that the agent is to write."""
    if attempt.end is None:
        return traced
    return traced._replace(retstr=WithEnd(traced.retstr, attempt.end))


def _begin(task: OffloadTask, request: dict[str, Any]) -> TracedAttempt:
    envelope = Envelope.read(request[HEADER])
    if not lease.wait(settings().timeout):  # A5
        raise NotMine(f"job {envelope.job_id}: this instance has lost its lease")
    watch = SessionWatch()
    grant: GrantedClaim | None = request.pop(GRANT, None)
    facts = facts_of(task, request, lease.incarnation)
    if grant is None:
        key = AttemptKey.by(new_secret(), job_id=envelope.job_id, epoch=envelope.epoch)
        claimed = _claim(key, facts)
    else:
        key, claimed = grant.key, _granted(grant)
    asked = claimed.task if claimed.task in BUILTIN_TASKS else ""
    attempt = _attempt(task_of(task.app, asked, claimed.topic), key, facts, claimed, watch)
    attempt.is_granted = grant is not None
    watch.begin()
    return attempt


def _claim(key: AttemptKey, facts: MessageFacts) -> Claimed:
    try:
        claimed = keep_trying(lambda: claims.begin(key, facts), what=f"claiming job {key.job_id}")
    except (OperationalError, InterfaceError) as error:
        raise NotBegun(Cause.LEASE_EXPIRED, f"the database was away: {error}") from error
    if claimed is None:
        _refuse_late(key, facts)
    return claimed


def _granted(grant: GrantedClaim) -> Claimed:
    """Return the claim that the agent made; one of a former incarnation begins nothing (R14).

    One that has waited is looked at again: its job may have been asked to stop.
    """
    job_id = grant.key.job_id
    if grant.incarnation != lease.incarnation:
        raise NotMine(f"job {job_id} was claimed before its instance was gone")
    row = grant.row
    if boottime() - grant.at > FRESH_SECONDS:
        found = keep_trying(partial(claiming.row_of, grant.key), what=f"claiming job {job_id}")
        if found is None:
            raise NotMine(f"job {job_id} was claimed, and has moved on before it began")
        row = found
    return claiming.read(row)


def _refuse_late(key: AttemptKey, facts: MessageFacts) -> NoReturn:
    """Report that a message came too late to begin anything, and raise NotMine."""
    send_stale(key, began=False)
    why = why_late(key, facts.worker)
    raise NotMine(f"a message of job {key.job_id} came too late, and began nothing: {why}")


def raise_overtaken(key: AttemptKey) -> NoReturn:
    """Report that an end came too late, and raise NotMine."""
    send_stale(key)
    raise NotMine(f"job {key.job_id} moved on from epoch {key.epoch}: nothing was written")


def _attempt(
    task: OffloadTask, key: AttemptKey, facts: MessageFacts, claimed: Claimed, watch: SessionWatch
) -> TracedAttempt:
    job = CurrentJob(
        id=key.job_id,
        topic=claimed.topic,
        epoch=key.epoch,
        attempt=claimed.attempts,
        attempt_key=key,
        instance=facts.worker,
        claimed=claimed,
    )
    running_job = context.Running(
        id=job.id,
        epoch=job.epoch,
        root_id=claimed.root_id or job.id,
        priority=claimed.options.get("priority"),
        instance=facts.worker,
        place=context.place_of(claimed.options, facts.worker),
    )
    return TracedAttempt(
        task=task,
        job=job,
        facts=facts if facts.task == task.name else replace(facts, task=task.name),
        running_job=running_job,
        watch=watch,
        args=claimed.args,
        properties=dict(claimed.properties),
        error=_unreadable(claimed),
    )


def _unreadable(claimed: Claimed) -> PermanentError | None:
    """Return the failure of a job with an unreadable row; another attempt would meet it again."""
    if not claimed.unreadable:
        return None
    columns = " and ".join(claimed.unreadable)
    return PermanentError(f"its row cannot be read: {columns}. Submit the job anew.")


def _request(request: dict[str, Any], attempt: TracedAttempt) -> dict[str, Any]:
    """Return Celery's context of the run, with the row's facts instead of the message's."""
    claimed, options = attempt.job.claimed, attempt.job.claimed.options
    delivery = request.get("delivery_info") or {}
    # A broker marks a message like this if its first delivery was not acknowledged.
    redelivered = claimed.attempts - 1 > claimed.failures
    return {
        **request,
        **NO_TAIL,
        "id": attempt.job.id,
        "args": attempt.args,
        "kwargs": attempt.properties,
        "retries": claimed.failures,
        "root_id": claimed.root_id or attempt.job.id,
        "parent_id": claimed.parent_id or None,
        "group": options.get("group_id"),
        "group_index": options.get("group_index"),
        "ignore_result": True,
        "eta": options.get("eta"),
        "delivery_info": {
            **delivery,
            "redelivered": redelivered,
            # Messages have none, because instance queues are in order already.
            "priority": options.get("priority", delivery.get("priority")),
        },
    }


@contextmanager
def _entered(attempt: TracedAttempt) -> Iterator[None]:
    """Make an attempt the current one for a block, including its hooks."""
    mine, outer = attempts.current.set(attempt), context.running.set(attempt.running_job)
    try:
        with running(attempt.job):
            yield
    finally:
        context.running.reset(outer)
        attempts.current.reset(mine)


def _ignored(error: Ignore) -> Any:
    """Return the value of Celery's tracer for a task that raises Ignore."""
    try:
        raise error
    except Ignore as raised:
        info = ExceptionInfo(internal=True)
        return trace_ok_t(info, TraceInfo(states.IGNORED, raised), 0.0, None)
