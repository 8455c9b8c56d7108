"""Chords with a job anywhere in their header are submitted whole, in one transaction."""

from __future__ import annotations

from collections import deque
from functools import wraps
from typing import TYPE_CHECKING, Any

from celery import chord
from celery.utils.functional import _regen  # type: ignore[attr-defined]

from offload.canvas.again import is_own
from offload.canvas.batches import current, gathering
from offload.canvas.freezing.recognition import is_job
from offload.canvas.freezing.signatures import parts_of
from offload.canvas.sender import Sender
from offload.db import database

if TYPE_CHECKING:
    from celery import Celery


def hook() -> None:
    """Wrap what every chord passes on its way out; once per process."""
    stock: Any = chord.run
    if hasattr(stock, "__wrapped__"):
        return

    @wraps(stock)
    def run(self: Any, header: Any, body: Any, *args: Any, **options: Any) -> Any:
        app = options.get("app") or (args[1] if len(args) > 1 else None) or self._get_app(body)
        if current() is not None or not isinstance(vars(app).get("send_task"), Sender):
            return stock(self, header, body, *args, **options)
        if not holds_job(app, header):
            return stock(self, header, body, *args, **options)
        # A generator is read before the transaction begins: nobody knows how long it takes.
        deque(header.tasks, maxlen=0)
        with database.atomic(), gathering(own=is_own(app)):
            return stock(self, header, body, *args, **options)

    chord.run = run  # type: ignore[method-assign]


def holds_job(app: Celery, canvas: Any) -> bool:
    """Return whether any task of a canvas is a job; of a generator, whether the first one is.

    It is not read any further: plain tasks are sent while it goes on.
    """
    if isinstance(canvas, _regen):
        return any(holds_job(app, one) for one in _first(canvas))
    if not isinstance(canvas, dict):
        return any(holds_job(app, one) for one in canvas)
    if parts := parts_of(canvas):
        return any(holds_job(app, one) for one in parts if one is not None)
    chunked = canvas.get("subtask_type") == "chunks"
    return holds_job(app, canvas["kwargs"]["task"]) if chunked else is_job(app, canvas)


def _first(tasks: Any) -> list[Any]:
    """Return the first task of a generator, if any.

    Asked for by its place: an iterator that is left would take an error of the second with it.
    """
    try:
        return [tasks[0]]
    except IndexError:
        return []
