"""Names of the files of a payload: one plain name, never a path."""

from __future__ import annotations

import unicodedata

from offload.core.exceptions import InvalidName

# What file systems allow, in UTF-8.
NAME_BYTES_MAX = 255

# Control characters, halves of surrogate pairs, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Overrides and embeddings of a direction: by them "exe.jpg" can be shown as what it is not.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_file_name(name: object) -> str:
    """Return the name as it is.

    Raise InvalidName if it is empty, too long, has a control character, or could be a path.
    """
    if not isinstance(name, str):
        raise InvalidName(name=name, problem=f"it is of type {type(name).__name__}, not text")
    if problem := _problem(name):
        raise InvalidName(name=name, problem=problem)
    return name


def _problem(name: str) -> str:
    if not name:
        return "it is empty"
    if name in {".", ".."}:
        return "it stands for a folder"
    if "/" in name or "\\" in name:
        return "it contains a slash"
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        return "it contains a control character"
    if not _TURNING.isdisjoint(name):
        return "it contains a character that turns the direction of writing"
    size = len(name.encode())
    return f"it has {size} bytes, {NAME_BYTES_MAX} are allowed" if size > NAME_BYTES_MAX else ""
