"""The colours of states, modes and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.management.terminal import plain

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {
    "PENDING": "yellow",
    "QUEUED": "cyan",
    "ACTIVE": "blue",
    "SUCCEEDED": "green",
    "STOPPED": "magenta",
    "DROPPED": "magenta",
    "EXPIRED": "magenta",
    "GIVEN_UP": "red",
    "ERROR": "red",
    "ready": "green",
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
    """Return a state, mode or level in its colour."""
    return plain(word, STYLES.get(word, ""))
