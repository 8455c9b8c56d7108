"""A job's progress, in a form that can always be stored and shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from offload.core.texts import message


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The work done and the total work; None if unknown."""

    current: float | None
    total: float | None
    message: str

    @classmethod
    def of(cls, current: object, total: object, text: object) -> Progress:
        """Return the progress of these values; a value that is not a finite number becomes None."""
        return cls(current=_number(current), total=_number(total), message=message(text))

    @classmethod
    def read(cls, kept: Any) -> Progress | None:
        """Return the progress in a row's value, or None if it is empty or unreadable."""
        if not isinstance(kept, Mapping) or not kept:
            return None
        return cls.of(kept.get("current"), kept.get("total"), kept.get("message"))

    @property
    def percent(self) -> int | None:
        """Return the done share in percent, or None unless both numbers are known."""
        if self.current is None or not self.total or self.total < 0:
            return None
        return int(100 * min(1.0, max(0.0, self.current / self.total)))

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """Return it as text for people: ``3 of 8 half of it``."""
        known = f"{_plain(self.current)}{_of(self.total)}" if self.current is not None else ""
        return f"{known} {self.message}".strip()


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (ArithmeticError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _plain(number: float) -> str:
    return f"{number:.15g}"


def _of(total: float | None) -> str:
    return f" of {_plain(total)}" if total else ""
