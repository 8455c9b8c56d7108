"""Enumerations that explain themselves."""

from __future__ import annotations

import enum
from typing import Self


class Explained(enum.StrEnum):
    """A text constant whose members carry a sentence for people."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        """Make a member that equals `value` and explains itself by `sentence`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member
