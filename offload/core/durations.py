"""Spans of time as callers give them."""

from __future__ import annotations

import math


def is_duration(value: object) -> bool:
    """Return whether a value is a number of seconds, zero or more."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )
