"""Requests of other clusters to change rules here: taken by the code of people's own changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.lazy import load

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.peers.contents import Content

TAKE = "offload.operations.changes.requested:take"


def take(home: str, request: Any, now: datetime) -> tuple[Content, ...]:
    """Return the verdict; what makes it is imported with the first request."""
    answers: tuple[Content, ...] = load(TAKE)(home, request, now)
    return answers
