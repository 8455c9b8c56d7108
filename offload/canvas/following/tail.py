"""The tail of a job: callbacks, the next step of its chain, joins that wait for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from celery import signature
from celery.app.task import Context

from offload.canvas.batches import gathering
from offload.canvas.failing import NodeResult, UpstreamFailure, fail
from offload.canvas.following import errbacks, joins
from offload.canvas.following.submitting import applied
from offload.canvas.freezing.context import Origin, coming_from
from offload.canvas.freezing.drafting import tail_of
from offload.canvas.freezing.options import kept
from offload.canvas.freezing.walk import many
from offload.core.states import JobState, celery_state
from offload.messaging.installation import celery_app
from offload.results import result_backend

if TYPE_CHECKING:
    from celery import Celery

    from offload.models import Job

logger = logging.getLogger("offload.canvas")

#: The state that nodes take over if no more is known of the end.
STATES_TAKEN_OVER = {"FAILURE": JobState.ERROR, "REVOKED": JobState.STOPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job's end, and the signatures that were frozen to follow it."""

    id: str
    #: Celery's: SUCCESS, FAILURE or REVOKED.
    state: str
    #: The returned value, if it is SUCCESS.
    value: Any = None
    #: ``module.Qualname`` of the exception.
    error_type: str = ""
    error: str = ""
    #: ``chain``, ``link``, ``link_error``, ``chord``: Celery signatures.
    tail: Mapping[str, Any] | None = None
    root_id: str = ""
    run_id: str | None = None
    payload_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The row's state, which nodes that can no longer run take over.
    job_state: str = ""

    @property
    def origin(self) -> Origin:
        """Return the values that successors inherit."""
        return Origin(
            run_id=self.run_id,
            payload_id=self.payload_id,
            parent_id=self.id,
            root_id=self.root_id or self.id,
        )

    @property
    def cause(self) -> UpstreamFailure:
        """Return why nodes behind a failure cannot run."""
        state = self.job_state or STATES_TAKEN_OVER[self.state]
        return UpstreamFailure(
            state=state, error_type=self.error_type, error=self.error, culprit=self.id
        )

    def hanging(self, name: str) -> list[Any]:
        """Return the signatures of one kind that follow the end; log what is not a signature."""
        tail: Any = {} if self.tail is None else self.tail
        found = tail.get(name) if isinstance(tail, Mapping) else tail
        listed = many(found) if isinstance(found, dict | list | tuple | None) else [found]
        signatures = [one for one in listed if isinstance(one, dict)]
        if len(signatures) < len(listed):
            logger.error(
                "not all that follows job %s can be read: %s is %.300r", self.id, name, found
            )
        return signatures


def ended(job: Job) -> Ended:
    """Return the end of a final row.

    The successors of a plain Celery task are in its options; the row of one that was never sent
    ends like this.
    """
    state = celery_state(JobState(job.state), attempts=job.attempts)
    return Ended(
        id=job.id,
        state=state,
        value=result_backend.value_of(job) if state == "SUCCESS" else None,
        error_type=job.error_type,
        error=job.error,
        tail=job.tail or tail_of(job.options),
        root_id=job.root_id,
        run_id=job.run_id,
        payload_id=job.payload_id,
        options={**job.options, **kept(job.options)},
        job_state=job.state,
    )


def follow(end: Ended) -> None:
    """Store what follows an end; once, inside the transaction that makes the job final (K2)."""
    app = celery_app()
    with coming_from(end.origin), gathering():
        if end.state == "SUCCESS":
            others = _succeed(app, end)
            mine = NodeResult(id=end.id, state=end.state, value=end.value)
        else:
            others = _fail(app, end)
            mine = NodeResult(id=end.id, state=end.state, error=str(end.cause))
        joins.parts(app, [mine, *others] if end.options.get("join") else others)
        if end.hanging("chord"):
            _return_part(app, end)


def _succeed(app: Celery, end: Ended) -> list[NodeResult]:
    family: dict[str, Any] = {"parent_id": end.id, "root_id": end.root_id or end.id}
    if app.conf.task_inherit_parent_priority:
        family["priority"] = end.options.get("priority")
    others = []
    for callback in end.hanging("link"):
        others += applied(app, signature(dict(callback), app=app), (end.value,), **family)
    *rest, step = end.hanging("chain") or [None]
    if step is not None:
        others += applied(app, signature(dict(step), app=app), (end.value,), rest=rest, **family)
    return others


def _fail(app: Celery, end: Ended) -> list[NodeResult]:
    ended = fail(app, end.hanging("chain"), end.cause)
    for errback in end.hanging("link_error"):
        ended += errbacks.submit(app, errback, end.id, end.root_id)
    return ended


def _return_part(app: Celery, end: Ended) -> None:
    """Count a job in a chord that Celery counts: it took the place of a plain task there."""
    options = end.options
    request = Context(
        id=end.id,
        group=options.get("group_id"),
        group_index=options.get("group_index"),
        chord=(end.tail or {})["chord"],
    )
    backend: Any = app.backend
    error = result_backend.named_exception(end.error_type, end.error)
    value = end.value if end.state == "SUCCESS" else backend.exception_to_python(error)
    backend.on_chord_part_return(request, end.state, value)
