"""Rates: how many jobs of a queue begin per unit of time, by a token bucket.

Each binding takes a token; tokens come at the rate. The bucket holds `burst` tokens, and one
second's worth beside them: binders ask about twice a second, and what came due in between is not
lost. So in t seconds at most `burst + rate * (t + 1)` jobs are bound.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidRate
from offload.core.validation.bounds import BURST, RATE_COUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT_SECONDS: Mapping[str, int] = MappingProxyType({"s": 1, "m": 60, "h": 3_600, "d": 86_400})
RATE = re.compile(r"(?P<count>[0-9]+)/(?P<unit>[smhd])")
# Digits that are read; more are too many anyway.
DIGITS_MAX = 10
# Seconds within which a token that came due is kept beside the burst.
PACE_SECONDS = 1.0
# Sums of fractions miss a whole token by less than this.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of jobs per unit of time, and how many may begin at once after a pause."""

    count: int
    unit: str
    # None takes one second's worth, but at least one.
    own_burst: int | None = None

    @classmethod
    def parse(cls, text: object, burst: int | None = None) -> Rate:
        """Return the rate that a text such as `100/m` stands for; raise InvalidRate."""
        found = RATE.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise InvalidRate(text=text, problem="it is no number of jobs per unit of time")
        # Python refuses to read very many digits as a whole number.
        count = int(found["count"][:DIGITS_MAX])
        if len(found["count"]) > DIGITS_MAX or count not in RATE_COUNT:
            raise InvalidRate(text=text, problem=f"the number is not {RATE_COUNT}")
        if burst is not None and burst not in BURST:
            raise InvalidRate(text=text, problem=f"its burst is not {BURST}")
        return cls(count, found["unit"], burst)

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.count}/{self.unit}"

    @property
    def per_second(self) -> float:
        """Return the number of jobs per second."""
        return self.count / UNIT_SECONDS[self.unit]

    @property
    def burst(self) -> int:
        """Return how many jobs may begin at once after a pause."""
        return self.own_burst if self.own_burst is not None else max(1, math.ceil(self.per_second))

    @property
    def capacity(self) -> float:
        """Return the most tokens that the bucket holds."""
        return self.burst + self.per_second * PACE_SECONDS

    def level(self, before: float, seconds: float) -> float:
        """Return the tokens in the bucket, so many seconds after it held so many."""
        return min(self.capacity, before + max(0.0, seconds) * self.per_second)

    def whole(self, level: float) -> int:
        """Return how many jobs may begin at this level."""
        return max(0, math.floor(level + TOLERANCE))

    def until_next(self, level: float) -> timedelta:
        """Return the time until a job may begin."""
        return timedelta(seconds=max(0.0, 1.0 - level) / self.per_second)
