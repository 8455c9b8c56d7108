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
from offload.canvas.freezing.walk import Parts, parts_of, walk
from offload.canvas.sender import Sender
from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery


def hook() -> None:
    """Wrap the method through which every chord is sent; once per process."""
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
        # A generator may take any time, so it is read before the transaction begins.
        deque(header.tasks, maxlen=0)
        with database.atomic(), gathering(own=is_own(app)):
            return stock(self, header, body, *args, **options)

    chord.run = run  # type: ignore[method-assign]


def holds_job(app: Celery, canvas: Any) -> bool:
    """Return whether any task of a canvas is a job; for a generator, whether the first one is.

    It is not read any further: plain tasks are sent while it goes on.
    """
    return any(is_job(app, node.signature) for node in walk(_read(canvas), parts=_parts))


def _parts(signature: Mapping[str, Any]) -> Parts | None:
    if signature.get("subtask_type") == "chunks":
        return Parts(header=None, inner=signature["kwargs"]["task"])
    parts = parts_of(signature)
    return parts and Parts(header=_read(parts.header), inner=_read(parts.inner))


def _read(tasks: Any) -> Any:
    """Return tasks; of a generator only the first one, if any.

    Asked for by its place: an iterator that is left would take an error of the second with it.
    """
    if not isinstance(tasks, _regen):
        return tasks
    try:
        return tasks[0]
    except IndexError:
        return None
