"""The ends of plain Celery tasks in a canvas, read from Celery's result backend."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from offload.canvas import plain_tasks
from offload.canvas.following import joins
from offload.canvas.posting import post_again
from offload.fleet.duties import Duty
from offload.messaging.installation import celery_app
from offload.results import result_backend
from offload.tracking import relays

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds after which a task that somebody began to send, and did not, is sent by the sweep.
OVERDUE_SECONDS = 5.0
#: Seconds between two questions about the same task.
ASK_AGAIN_SECONDS = 5.0
#: Tasks that one sweep asks about.
ASKED_AT_ONCE = 50

_strays_asked = 0.0


def sweep() -> int:
    """Publish tasks that were left behind and close those that ended; return how many.

    Workers tell of their ends at once; this mends what was lost with one.
    """
    count = _send_what_was_left(OVERDUE_SECONDS)
    asked = [*relays.to_ask(ASK_AGAIN_SECONDS, ASKED_AT_ONCE), *_strays()]
    return count + sum(_ask(celery_app(), task_id) for task_id in asked)


RELAY = Duty(name="relay", do=sweep, every=1.0, batch=ASKED_AT_ONCE)


def _send_what_was_left(behind_for: float) -> int:
    if not relays.is_any_left_behind(behind_for):
        return 0
    relays.stop_unsent(behind_for)
    return post_again(behind_for, ASKED_AT_ONCE)


def _strays() -> list[str]:
    """Return members of joins that have no row, now and then: most have not begun."""
    global _strays_asked
    if monotonic() - _strays_asked < ASK_AGAIN_SECONDS:
        return []
    _strays_asked = monotonic()
    return joins.strays(ASKED_AT_ONCE)


def _ask(app: Celery, task_id: str) -> bool:
    if result_backend.breaker.is_open:
        return False
    try:
        meta = result_backend.bounded(lambda: app.backend.get_task_meta(task_id))
        if meta["status"] not in plain_tasks.JOB_STATES:
            return False
        plain_tasks.close(app, task_id, meta["status"], meta.get("result"))
    except Exception:
        logger.exception("what became of task %s cannot be asked, or told on", task_id)
        return False
    return True
