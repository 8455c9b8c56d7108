"""What became of plain Celery tasks in a canvas, asked of Celery's result backend."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.engine.canvas import joins
from offload.engine.canvas.backends import CLOSED, part_of
from offload.engine.canvas.batches import gathering
from offload.engine.canvas.context import coming_from
from offload.engine.canvas.failing import Cause, fail
from offload.engine.canvas.origins import of_row
from offload.engine.canvas.posting import post
from offload.engine.canvas.signatures import many
from offload.engine.installation import celery_app
from offload.engine.tracking import relays
from offload.models import Job, database

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds between two questions about the same relay.
PATIENCE = 5.0
#: Relays, and members of joins, that one sweep asks about.
LIMIT = 50


def sweep() -> int:
    """Publish relays that were left behind and close what has ended; return how many."""
    count = post(relays.left_behind(settings().republish, LIMIT))
    asked = relays.to_ask(PATIENCE, LIMIT)
    return count + sum(_close(celery_app(), task_id) for task_id in [*asked, *joins.strays(LIMIT)])


def _close(app: Celery, task_id: str) -> bool:
    try:
        meta = app.backend.get_task_meta(task_id)
        if meta["status"] not in app.backend.READY_STATES:
            return False
        close(app, task_id, meta["status"], meta.get("result"))
    except Exception:
        logger.exception("what became of task %s cannot be asked, or told on", task_id)
        return False
    return True


def close(app: Celery, task_id: str, state: str, result: Any) -> None:
    """Let a plain task's end be known to its row, its joins, and what waited behind it."""
    one = part_of(task_id, state, result)
    job = Job.objects.filter(pk=task_id).first()
    with database.atomic(), coming_from(of_row(task_id)), gathering():
        relays.close(task_id, CLOSED.get(one.state, "ERROR"), error=one.error)
        ended = [one]
        if job is not None and one.state != "SUCCESS":
            ended += fail(app, many(job.options.get("chain")), _cause(result, one.error))
        joins.parts(app, ended)
