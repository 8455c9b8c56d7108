"""Callbacks of failures: submitted like everything else, never called where a job ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signature
from celery.app.task import Context
from celery.exceptions import NotRegistered, Retry

from offload.canvas.following.submitting import isolated
from offload.canvas.freezing.context import meant
from offload.canvas.freezing.recognition import of_signature
from offload.canvas.freezing.signatures import as_dicts
from offload.core.envelopes import ERRBACK_TASK
from offload.core.exceptions import UnknownJob
from offload.core.states import JobState, celery_state
from offload.messaging.names import TOPIC_OPTION
from offload.models import Job
from offload.results import result_backend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

    from offload.canvas.failing import NodeResult, UpstreamFailure


def submit(
    app: Celery,
    errback: Mapping[str, Any],
    job_id: str,
    root_id: str,
    *,
    cause: UpstreamFailure | None = None,
) -> list[NodeResult]:
    """Submit the callback of a job's failure; if it cannot be, the job ends all the same (K2c).

    A callback that takes more than the job's id runs inside a job, or a task, of its own, which
    goes to the callback's topic or queue. ``cause`` is the failure of a node without a row, such
    as a group. Return the nodes that ended instead.
    """
    return isolated(app, [errback], lambda: _submit(app, errback, job_id, root_id, cause))


def _submit(
    app: Celery,
    errback: Mapping[str, Any],
    job_id: str,
    root_id: str,
    cause: UpstreamFailure | None,
) -> None:
    callback = signature(dict(errback), app=app)
    family: dict[str, Any] = {"parent_id": job_id, "root_id": root_id or job_id}
    if not wants_facts(app, callback):
        callback.apply_async((job_id,), **family)
        return
    found = of_signature(app, callback)
    routed = {TOPIC_OPTION: found.topic} if found else {"route_name": callback.task}
    facts = {"error": [cause.error_type, cause.error]} if cause else {}
    app.send_task(ERRBACK_TASK, (as_dicts(callback), job_id), facts, **family, **routed)


def wants_facts(app: Celery, callback: Any) -> bool:
    """Return whether a callback takes request, exception and traceback, as Celery decides it.

    A bound task never does: it is sent as a task, since it may retry itself.
    """
    try:
        task = callback.type
    except NotRegistered:
        return False
    header = getattr(task, "__header__", None)
    if not callable(header) or isinstance(header, partial):
        return False
    backend: Any = app.backend
    return bool(backend._errback_arity_greater(callback, 1))


def run(
    app: Celery, errback: Mapping[str, Any], job_id: str, error: tuple[str, str] | None = None
) -> None:
    """Call a callback with the request, the exception and the traceback of a failed job.

    ``error`` is type and text for what has no row. Raise UnknownJob without either.
    """
    try:
        signature(dict(errback), app=app)(*_facts(app, job_id, error))
    except Retry as asked:
        # Also where this runs as a plain task: Celery would leave it in the state RETRY for ever.
        raise meant(asked) from asked


def _facts(app: Celery, job_id: str, error: tuple[str, str] | None) -> tuple[Any, Any, str | None]:
    job = Job.objects.filter(pk=job_id).first()
    if job is not None:
        state = celery_state(JobState(job.state), attempts=job.attempts)
        raised = app.backend.exception_to_python(result_backend.exception_of(job, state))
        return context_of(job), raised, job.traceback or None
    if error is None:
        raise UnknownJob(job_id=job_id)
    raised = app.backend.exception_to_python(result_backend.named_exception(*error))
    return Context(id=job_id, root_id=job_id, delivery_info={}), raised, None


def context_of(job: Job) -> Context:
    """Return the request of a job that ended, as Celery's callbacks know it."""
    return Context(
        id=job.pk,
        task=job.task,
        args=job.args,
        kwargs=job.properties,
        root_id=job.root_id or job.pk,
        parent_id=job.parent_id or None,
        group=job.options.get("group_id"),
        group_index=job.options.get("group_index"),
        reply_to=job.options.get("reply_to"),
        retries=job.failures,
        hostname=job.instance,
        delivery_info={},
    )
