"""Callbacks of failures: submitted like everything else, never called where a job ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signature
from celery.app.task import Context
from celery.exceptions import NotRegistered

from offload.core.exceptions import UnknownJob
from offload.core.states import JobState, celery_state
from offload.engine import results
from offload.engine.canvas.recognition import of_signature
from offload.engine.canvas.signatures import many, plain
from offload.engine.canvas.submitting import isolated
from offload.engine.names import ERRBACK, TOPIC
from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

    from offload.engine.canvas.failing import Part


def submit(app: Celery, errback: Mapping[str, Any], job_id: str, root_id: str) -> list[Part]:
    """Submit the callback of a job's failure; one that cannot be keeps nobody from ending.

    One that takes more than the job's id runs inside a job, or a task, of its own, which is
    sent where the callback would be. Return the nodes that ended instead.
    """
    return isolated(app, [errback], lambda: _submit(app, errback, job_id, root_id))


def _submit(app: Celery, errback: Mapping[str, Any], job_id: str, root_id: str) -> None:
    callback = signature(dict(errback), app=app)
    family: dict[str, Any] = {"parent_id": job_id, "root_id": root_id or job_id}
    if not wants_facts(app, callback):
        callback.apply_async((job_id,), **family)
        return
    found = of_signature(app, callback)
    routed = {TOPIC: found.topic} if found else {"route_name": callback.task}
    app.send_task(ERRBACK, (plain(callback), job_id), **family, **routed)


def wants_facts(app: Celery, callback: Any) -> bool:
    """Return whether a callback takes request, exception and traceback, as Celery decides it."""
    try:
        task = callback.type
    except NotRegistered:
        return False
    header = getattr(task, "__header__", None)
    backend: Any = app.backend
    return callable(header) and bool(backend._errback_arity_greater(callback, 1))


def run(app: Celery, errback: Mapping[str, Any], job_id: str) -> None:
    """Call a callback with the request, the exception and the traceback of a failed job."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise UnknownJob(job_id=job_id)
    state = celery_state(JobState(job.state), attempts=job.attempts)
    error = app.backend.exception_to_python(results.exception_of(job, state))
    signature(dict(errback), app=app)(context_of(job), error, job.traceback or None)


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


def of_body(body: Mapping[str, Any]) -> list[Any]:
    """Return the callbacks of a join's body that cannot run, each once."""
    kwargs = body.get("kwargs") or {}
    found = many(body["options"].get("link_error"))
    match body.get("subtask_type"):
        case "chord":
            found += of_body(kwargs["body"]) if kwargs.get("body") else []
        case "group":
            found += [one for task in kwargs.get("tasks") or () for one in of_body(task)]
    return [one for index, one in enumerate(found) if one not in found[:index]]
