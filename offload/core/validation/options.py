"""Options of a submission: checks that numbers are within their bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from offload.core.exceptions import InvalidDelay, InvalidNumber, InvalidPriority
from offload.core.validation.bounds import (
    DELAY,
    PRIORITY,
    RANKING,
    RETRIES,
    RETRY_DELAY,
    TIME_LIMIT,
)

#: A number of seconds, or a timedelta.
Seconds: TypeAlias = float | timedelta


def check_delay(value: object, *, name: str = "delay") -> float:
    """Return a delay in seconds; raise InvalidDelay unless it is from 0 to ten years."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, int | float) or number not in DELAY:
        raise InvalidDelay(delay=value, most=int(DELAY.most), name=name)
    return number


def check_timeout(value: object) -> float | None:
    """Return a timeout in seconds; None waits without a limit.

    Raise InvalidDelay unless it is a number of seconds or a timedelta.
    """
    return None if value is None else check_delay(value, name="timeout")


def check_retries(value: object) -> int:
    """Return the number of retries; raise InvalidNumber unless it is within its bound."""
    if not isinstance(value, int) or value not in RETRIES:
        raise InvalidNumber(name="retries", value=value, allowed=str(RETRIES))
    return value


def check_retry_delay(value: object) -> float:
    """Return a retry's delay in seconds; raise InvalidNumber unless it is within its bound."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, int | float) or number not in RETRY_DELAY:
        raise InvalidNumber(name="retry_delay", value=value, allowed=f"{RETRY_DELAY} (seconds)")
    return number


def check_ranking(value: object) -> None:
    """Raise InvalidNumber unless the value can rank consumers or queues."""
    if value not in RANKING:
        raise InvalidNumber(name="ranking", value=value, allowed=str(RANKING))


def check_priority(value: object) -> int:
    """Return the priority; raise InvalidPriority unless it is an integer within its bound."""
    if not isinstance(value, int) or value not in PRIORITY:
        raise InvalidPriority(priority=value, least=int(PRIORITY.least), most=int(PRIORITY.most))
    return value


def check_limits(hard: object, soft: object) -> None:
    """Raise InvalidNumber for an invalid time limit, or a soft one above the hard one."""
    for name, value in (("time_limit", hard), ("soft_time_limit", soft)):
        if value is not None and value not in TIME_LIMIT:
            raise InvalidNumber(name=name, value=value, allowed=f"{TIME_LIMIT}, in seconds")
    if hard and TIME_LIMIT.nearest(soft) > TIME_LIMIT.nearest(hard):
        allowed = f"a number up to the time_limit, which is {hard} s and ends the run before"
        raise InvalidNumber(name="soft_time_limit", value=soft, allowed=allowed)
