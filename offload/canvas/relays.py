"""The ends of plain Celery tasks in a canvas, read from Celery's result backend."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from offload.canvas import plain_tasks
from offload.canvas.following import joins
from offload.canvas.posting import post_again
from offload.fleet.duties import Duty
from offload.messaging.installation import celery_app, current_installation
from offload.results import result_backend
from offload.tracking import relays

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds after which the sweep sends a task whose sender began and did not finish.
OVERDUE_SECONDS = 5.0
#: Seconds between two checks of the same task.
ASK_AGAIN_SECONDS = 5.0
#: Tasks that one sweep checks.
ASKED_AT_ONCE = 50


@dataclass(slots=True)
class Pace:
    """Remembers when a leader last read the members of joins that have no row."""

    #: Returns seconds that only grow.
    clock: Callable[[], float] = monotonic
    _asked: float = -math.inf

    def is_time(self) -> bool:
        """Return whether it is time to read them again, and note that this is done now."""
        if self.clock() - self._asked < ASK_AGAIN_SECONDS:
            return False
        self._asked = self.clock()
        return True


def sweep(pace: Pace | None = None) -> int:
    """Publish tasks that were left behind and close those that ended; return how many.

    Workers report their ends at once; this covers reports that were lost with a worker.
    """
    count = _send_what_was_left(OVERDUE_SECONDS)
    asked = [
        *relays.to_ask(ASK_AGAIN_SECONDS, ASKED_AT_ONCE),
        *_members_without_row(pace or Pace()),
    ]
    return count + sum(_ask(celery_app(), task_id) for task_id in asked)


def duty() -> Duty:
    """Return the sweep as a leader's duty."""
    return Duty(name="relay", do=partial(sweep, Pace()), every=1.0, batch=ASKED_AT_ONCE)


def _send_what_was_left(behind_for: float) -> int:
    if not relays.is_any_left_behind(behind_for):
        return 0
    relays.stop_unsent(behind_for)
    return post_again(behind_for, ASKED_AT_ONCE)


def _members_without_row(pace: Pace) -> list[str]:
    """Return members of joins that have no row; only now and then, as most have not begun."""
    return joins.members_without_row(ASKED_AT_ONCE) if pace.is_time() else []


def _ask(app: Celery, task_id: str) -> bool:
    if current_installation.to_backend.is_open:
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
