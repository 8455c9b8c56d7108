"""The hooks that turn Celery's canvas into rows: `send_task`, the result backend, chords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas import backends, chords
from offload.canvas.sender import Sender

if TYPE_CHECKING:
    from celery import Celery


def is_hooked(app: Celery) -> bool:
    """Return whether this app's sends go through offload."""
    return isinstance(vars(app).get("send_task"), Sender)


def install(app: Celery) -> None:
    """Route this app's sends and chords through offload; calling it again is harmless."""
    if is_hooked(app):
        return
    make_backend = app._get_backend  # type: ignore[attr-defined]

    def get_backend() -> Any:
        return backends.hook(app, make_backend())

    app._get_backend = get_backend  # type: ignore[attr-defined]
    app.send_task = Sender(app, app.send_task)  # type: ignore[assignment, method-assign]
    chords.hook()
