"""The colours of states, modes and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.management.terminal import sanitized

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {
    JobState.PENDING: "yellow",
    JobState.QUEUED: "cyan",
    JobState.ACTIVE: "blue",
    JobState.SUCCEEDED: "green",
    JobState.STOPPED: "magenta",
    JobState.DROPPED: "magenta",
    JobState.EXPIRED: "magenta",
    JobState.GIVEN_UP: "red",
    JobState.ERROR: "red",
    "ready": "green",
    "busy": "blue",
    "starting": "yellow",
    "draining": "yellow",
    "reconnecting": "red",
    "suspect": "red",
    "silent": "red",
    "gone": "dim",
    "off": "magenta",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}


def coloured(word: str) -> Text:
    """Return a state, mode or level as coloured text."""
    return sanitized(word, STYLES.get(word, ""))
