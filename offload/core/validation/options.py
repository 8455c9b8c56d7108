"""Options of a submission: numbers within their bounds, or an error that says which."""

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

#: A number of seconds, or a duration.
Seconds: TypeAlias = float | timedelta


def check_delay(value: object, *, name: str = "delay") -> float:
    """Return a delay as seconds; raise InvalidDelay for what is none, or beyond ten years."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, int | float) or number not in DELAY:
        raise InvalidDelay(delay=value, most=int(DELAY.most), name=name)
    return number


def check_timeout(value: object) -> float | None:
    """Return how many seconds to wait, None for as long as it takes.

    Raise InvalidDelay for what is no time.
    """
    return None if value is None else check_delay(value, name="timeout")


def check_retries(value: object) -> int:
    """Return how often a job is tried again; raise InvalidNumber for what is no such number."""
    if not isinstance(value, int) or value not in RETRIES:
        raise InvalidNumber(name="retries", value=value, allowed=str(RETRIES))
    return value


def check_retry_delay(value: object) -> float:
    """Return a delay before a retry as seconds; raise InvalidNumber for what is none."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, int | float) or number not in RETRY_DELAY:
        raise InvalidNumber(name="retry_delay", value=value, allowed=f"{RETRY_DELAY} (seconds)")
    return number


def check_ranking(value: object) -> None:
    """Raise InvalidNumber for what cannot rank consumers or queues."""
    if value not in RANKING:
        raise InvalidNumber(name="ranking", value=value, allowed=str(RANKING))


def check_priority(value: object) -> int:
    """Return the priority; raise InvalidPriority for what is no integer, or out of bounds."""
    if not isinstance(value, int) or value not in PRIORITY:
        raise InvalidPriority(priority=value, least=int(PRIORITY.least), most=int(PRIORITY.most))
    return value


def check_limits(hard: object, soft: object) -> None:
    """Raise InvalidNumber for time limits that are none, or of which the soft one never comes."""
    for name, value in (("time_limit", hard), ("soft_time_limit", soft)):
        if value is not None and value not in TIME_LIMIT:
            raise InvalidNumber(name=name, value=value, allowed=f"{TIME_LIMIT}, in seconds")
    if hard and TIME_LIMIT.nearest(soft) > TIME_LIMIT.nearest(hard):
        allowed = f"a number up to the time_limit, which is {hard} s and ends the run before"
        raise InvalidNumber(name="soft_time_limit", value=soft, allowed=allowed)
