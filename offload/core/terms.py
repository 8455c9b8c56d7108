"""Bounds of what a job may be submitted with, as databases can keep it."""

from __future__ import annotations

import math

from offload.core.exceptions import InvalidDelay, InvalidPriority

#: Seconds in ten years: a longer delay is a mistake, and no database counts without end.
DELAY_MAX = 10 * 365 * 86_400
#: What a small integer of SQL holds.
PRIORITY_MIN, PRIORITY_MAX = -32_768, 32_767


def check_delay(value: object) -> None:
    """Raise InvalidDelay for what is no number of seconds from zero to ten years."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    # NaN is in no range.
    if not 0 <= number <= DELAY_MAX:
        raise InvalidDelay(delay=value, most=DELAY_MAX)


def check_priority(value: object) -> None:
    """Raise InvalidPriority for what is no integer, or too large for the database."""
    if isinstance(value, bool) or not isinstance(value, int) or bounded_priority(value) != value:
        raise InvalidPriority(priority=value, least=PRIORITY_MIN, most=PRIORITY_MAX)


def bounded_delay(seconds: float) -> float:
    """Return the nearest delay that can be stored; none for what is no number."""
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), float(DELAY_MAX))


def bounded_priority(priority: int) -> int:
    """Return the nearest priority that can be stored."""
    return min(max(priority, PRIORITY_MIN), PRIORITY_MAX)
