"""The end of a plain Celery task that is a step: its run goes on at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.signatures import join_of
from offload.core.envelopes import HEADER
from offload.core.lazy import load

if TYPE_CHECKING:
    from celery import Task

#: Models are not ready where the receiver is connected.
CONCLUDE = "offload.jobs.aftermath:conclude_all"


def conclude_step(*, task: Task[Any, Any], **_: object) -> None:
    """Conclude the row of a plain task of a canvas; the sweep does it if this fails."""
    request = task.request
    if join_of(request.chord) and not request.get(HEADER) and not request.is_eager:
        load(CONCLUDE)([request.id])
