"""The end of a plain Celery task in a canvas with jobs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery.app.control import Control
from kombu.utils.json import dumps

from offload.canvas.batches import gathering
from offload.canvas.failing import NodeResult, UpstreamFailure, fail
from offload.canvas.following import joins
from offload.canvas.freezing.context import coming_from
from offload.canvas.freezing.origins import of_row
from offload.canvas.freezing.walk import many
from offload.core.texts import as_text, place_of
from offload.db import database
from offload.messaging.installation import celery_app
from offload.messaging.timeouts import within
from offload.models import Job
from offload.tracking import relays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds for the broker to tell the workers that a task is revoked.
REVOKE_TIMEOUT_SECONDS = 1.0
JOB_STATES = {"SUCCESS": "SUCCEEDED", "FAILURE": "ERROR", "REVOKED": "STOPPED"}


def close(app: Celery, task_id: str, state: str, result: Any) -> None:
    """Record an end in the task's row, if it has one, and in the joins that wait for it.

    If the task failed, its successors end with it. Recording an end twice changes nothing.
    """
    part = part_of(task_id, state, result)
    cause = cause_of(part, result)
    with database.atomic(), coming_from(of_row(task_id)), gathering():
        relays.close(
            task_id,
            JOB_STATES[part.state],
            result=dumps(part.value) if part.state == "SUCCESS" else None,
            error_type=cause.error_type,
            error=cause.error,
        )
        lost = [] if part.state == "SUCCESS" else fail(app, _chain(task_id), cause)
        joins.parts(app, [part, *lost])


def part_of(task_id: str, state: str, result: Any) -> NodeResult:
    """Return the end for joins; a value that is no JSON cannot be handed on."""
    if state != "SUCCESS":
        return NodeResult(id=task_id, state=state, error=repr(result))
    try:
        dumps(result)
    except (TypeError, ValueError) as error:
        return NodeResult(id=task_id, state="FAILURE", error=f"its result cannot be JSON: {error}")
    return NodeResult(id=task_id, state=state, value=result)


def cause_of(part: NodeResult, result: Any) -> UpstreamFailure:
    """Return why what waited behind the task cannot run."""
    kind, text = "", part.error
    if isinstance(result, BaseException):
        kind, text = place_of(type(result)), as_text(result)
    return UpstreamFailure(state=JOB_STATES[part.state], error_type=kind, error=text)


def _chain(task_id: str) -> list[Any]:
    job = Job.objects.filter(pk=task_id).first()
    return many(job.options.get("chain")) if job else []


def revoke(task_ids: Sequence[str], *, terminate: bool) -> bool:
    """Have workers discard sent tasks, as Celery does; return whether the broker took it.

    Their ends come back as every other end does. ``terminate`` kills those that run.
    """
    control = celery_app().control
    try:
        within(
            REVOKE_TIMEOUT_SECONDS,
            lambda: Control.revoke(control, list(task_ids), terminate=terminate),
        )
    except Exception:
        logger.exception("%d plain tasks were not revoked: the broker is away", len(task_ids))
        return False
    return True
