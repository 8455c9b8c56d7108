"""JSON values as people read them."""

from __future__ import annotations

from typing import Any

from kombu.utils.json import dumps

from offload.core.texts import counted
from offload.models.fields import Unreadable

#: Characters of a value or a traceback that are shown.
VALUE_CHARACTERS = 20_000


def text_of(value: Any) -> str:
    """Return a JSON value as text for people, nothing for nothing, and not without end."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, Unreadable):
        return shortened(value)
    try:
        return shortened(dumps(value, indent=2, ensure_ascii=False))
    except RecursionError:
        return "… nested too deeply to be shown"


def shortened(text: str) -> str:
    """Return the text, or its first part where it is very long."""
    if len(text) <= VALUE_CHARACTERS:
        return text
    more = counted(len(text) - VALUE_CHARACTERS, "more character", "more characters")
    return f"{text[:VALUE_CHARACTERS]}\n… {more}"
