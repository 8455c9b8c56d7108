"""JSON values as text for people."""

from __future__ import annotations

from typing import Any

from kombu.utils.json import dumps

from offload.core.texts import counted
from offload.models.fields import Unreadable

#: Most characters of a value or a traceback that are shown.
VALUE_CHARACTERS = 20_000


def text_of(value: Any) -> str:
    """Return a JSON value as text for people: empty for none, and cut if very long."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, Unreadable):
        return truncated_value(value)
    try:
        return truncated_value(dumps(value, indent=2, ensure_ascii=False))
    except RecursionError:
        return "… nested too deeply to be shown"


def plain_value(value: Any) -> str:
    """Return a JSON value as ``text_of`` does, but text as it is."""
    return truncated_value(value) if isinstance(value, str) else text_of(value)


def truncated_value(text: str) -> str:
    """Return the text, or its beginning if it is very long."""
    if len(text) <= VALUE_CHARACTERS:
        return text
    more = counted(len(text) - VALUE_CHARACTERS, "more character", "more characters")
    return f"{text[:VALUE_CHARACTERS]}\n… {more}"
