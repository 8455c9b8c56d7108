"""Where Celery's canvas comes into the rows: `send_task`, the result backend, chords."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def install(app: Celery) -> None:
    """Let everything this app sends pass by; again is harmless."""
