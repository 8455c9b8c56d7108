"""Bounds on numbers, in one place for forms, tables, settings, commands and calls.

Databases cannot store every number or time, so each has a bound. Beyond it, a person would see a
mistake long before a machine fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR_SECONDS = 3_600
DAY_SECONDS = 24 * HOUR_SECONDS
YEAR_SECONDS = 365 * DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least and the most that a number may be."""

    least: float
    most: float
    #: Whether only whole numbers are allowed.
    is_whole: bool = False
    #: The meaning of a special value, for people.
    note: str = ""

    def __contains__(self, value: object) -> bool:
        """Tell whether a value is a number within the bound; True and False are not."""
        wanted = int if self.is_whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            return False
        # NaN is outside every range.
        return self.least <= value <= self.most

    def __str__(self) -> str:
        """Return it as text for people."""
        kind = "a whole number" if self.is_whole else "a number"
        note = f" ({self.note})" if self.note else ""
        return f"{kind} from {_number_text(self.least)} to {_number_text(self.most)}{note}"

    def nearest(self, value: object) -> float:
        """Return the nearest number within the bound, or the least if the value is no number."""
        if not isinstance(value, int | float) or math.isnan(value):
            return self.least
        return min(max(value, self.least), self.most)

    def nearest_whole(self, value: object) -> int:
        """Return the nearest whole number within the bound."""
        return int(self.nearest(value))


def _number_text(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:g}"


#: Seconds from now until something begins, expires, or is ended: ten years.
DELAY = Bound(least=0, most=10 * YEAR_SECONDS)
#: Seconds that a run may take; 0 means no limit, as in Celery.
TIME_LIMIT = Bound(least=0, most=YEAR_SECONDS, note="0 is without a limit")
#: The range of a small integer in SQL.
PRIORITY = Bound(least=-32_768, most=32_767, is_whole=True)
#: Ranking of queues and of consumers.
RANKING = Bound(least=-1_000_000, most=1_000_000, is_whole=True)
#: Further attempts after a failure.
RETRIES = Bound(least=-1, most=1_000_000, is_whole=True, note="-1 is without a limit")
#: Seconds before a retry: a year.
RETRY_DELAY = Bound(least=0, most=YEAR_SECONDS)
#: Factor by which a delay grows from one retry to the next.
BACKOFF = Bound(least=1, most=1_000)
#: Fraction of a delay that may be randomly subtracted.
JITTER = Bound(least=0, most=1)
#: Crashes after which a job is given up.
CRASHES = Bound(least=1, most=1_000, is_whole=True)
#: Jobs of a queue that run at once.
PARALLEL = Bound(least=1, most=1_000_000, is_whole=True)
#: Jobs of a queue that begin per unit of time, and at once after a pause.
RATE_COUNT = Bound(least=1, most=1_000_000, is_whole=True)
BURST = Bound(least=1, most=1_000_000, is_whole=True)
#: Seconds of waiting that count as one step of priority.
AGEING = Bound(least=1, most=YEAR_SECONDS)
#: Seconds that a lost job waits for its instance to come back.
RESCUE = Bound(least=0, most=YEAR_SECONDS)
#: Jobs of a queue on one instance: a number, or a part of its processes below 1.
PER_INSTANCE = Bound(least=-1, most=1_000_000, note="-1 is as many as it has processes")
#: How much of a resource there is, and how much of it a job uses.
CAPACITY = Bound(least=0, most=1_000_000, is_whole=True)
AMOUNT = Bound(least=1, most=1_000_000, is_whole=True)
#: Seconds after which a report of a resource no longer counts.
REPORT_AGE = Bound(least=1, most=YEAR_SECONDS)
#: Days for which history is kept: a hundred years.
RETENTION_DAYS = Bound(least=1, most=36_500, is_whole=True)
#: Rows of a list, and attempts of a test.
ROWS = Bound(least=1, most=1_000_000, is_whole=True)
#: Seconds from one call of a function that gives a property to the next.
PROPERTY_PACE = Bound(least=0.1, most=DAY_SECONDS)
#: Jobs bound to an instance, begun or not.
WINDOW = Bound(least=1, most=100_000, is_whole=True)
#: Bytes of files: the range of a large integer in SQL.
FILE_BYTES = Bound(least=0, most=2**63 - 1, is_whole=True)
#: The largest count in a small integer of SQL.
COUNTER_MAX = 32_767

#: The numbers in the dict ``OFFLOAD``, by key.
SETTINGS: Mapping[str, Bound] = MappingProxyType(
    {
        "HEARTBEAT": Bound(least=0.1, most=HOUR_SECONDS),
        "TIMEOUT": Bound(least=0.3, most=DAY_SECONDS),
        "WINDOW_FACTOR": Bound(least=1, most=1_000),
        "SWEEP": Bound(least=0.01, most=HOUR_SECONDS),
        "BIND_LIMIT": Bound(least=0, most=HOUR_SECONDS),
        "REPUBLISH": Bound(least=0.1, most=DAY_SECONDS),
        "NEAR": Bound(least=0, most=DAY_SECONDS),
        "RECALL": Bound(least=0.1, most=DAY_SECONDS),
        "TOPOLOGY_AGE": Bound(least=0, most=HOUR_SECONDS),
        "TOPOLOGY_DELAY": Bound(least=0, most=HOUR_SECONDS),
        "RETRIES": RETRIES,
        "RETRY_DELAY": RETRY_DELAY,
        "RETRY_BACKOFF": BACKOFF,
        "RETRY_MAX_DELAY": RETRY_DELAY,
        "RETRY_JITTER": JITTER,
        "CRASHES": CRASHES,
        "REQUEST_TIMEOUT": Bound(least=1, most=YEAR_SECONDS),
        "MAX_PROPERTIES": Bound(least=2, most=1 << 30, is_whole=True),
        "MAX_RESULT": Bound(least=0, most=1 << 30, is_whole=True),
        "MAX_FILES": Bound(least=0, most=1_000_000, is_whole=True),
        "MAX_FILE": FILE_BYTES,
        "MAX_PAYLOAD": FILE_BYTES,
        "MIN_FREE": FILE_BYTES,
        "FORGET_GONE": Bound(least=0, most=YEAR_SECONDS),
        "KEEP_FILES": Bound(least=0, most=YEAR_SECONDS),
        "MAX_KEPT": FILE_BYTES,
        "MAX_SCRATCH": FILE_BYTES,
        "WATCH_STILL": Bound(least=0, most=DAY_SECONDS),
        "WATCH_EVERY": Bound(least=0.1, most=HOUR_SECONDS),
        "LOG_LINES": Bound(least=0, most=10_000, is_whole=True),
    }
)
