"""Queues that drain: what is there runs, and what comes waits until they are resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.fleet.snapshots import now
from offload.queues import policies

if TYPE_CHECKING:
    from offload.models import Queue


def drain(queue: Queue, *, note: str | None = None, by: str = "") -> None:
    """Drain a queue; one that drains already keeps its note unless a new one is given.

    Raise InvalidQueue, with nothing changed, for an invalid note.
    """
    policies.check_note(queue, note or "")
    queue.note = note if note is not None else queue.note if queue.drains else ""
    queue.suspended, queue.drains = False, True
    queue.held_since, queue.held_by = now(), by
    policies.save(queue)
