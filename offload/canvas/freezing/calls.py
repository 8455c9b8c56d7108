"""A call of Celery's `send_task`, and the moments in its options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidDelay
from offload.core.moments import after, between, utc
from offload.core.validation.bounds import DELAY
from offload.core.validation.options import check_delay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

#: Options that have a meaning only in the calling process.
LOCAL_OPTIONS = frozenset(
    {"producer", "publisher", "connection", "router", "result_cls", "task_type", "add_to_parent"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call: the task, its arguments and options."""

    id: str
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    #: The options as given; others are absent.
    options: Mapping[str, Any]

    @property
    def frozen(self) -> dict[str, Any]:
        """Return the options that keep their meaning in every process."""
        return {name: value for name, value in self.options.items() if name not in LOCAL_OPTIONS}


def delay_of(app: Celery, options: Mapping[str, Any]) -> float | None:
    """Return the seconds until a call is due, or None if it is due now."""
    seconds = seconds_until(app, options.get("countdown") or options.get("eta"))
    return seconds if seconds is not None and seconds > 0 else None


def seconds_until(app: Celery, when: Any) -> float | None:
    """Return the seconds from now until a moment: given so, as a time, or as ISO text.

    What databases cannot add to their clock is bounded to the nearest that they can.
    """
    if when is None or isinstance(when, int | float):
        return None if when is None else DELAY.nearest(float(when))
    return between(datetime.now(UTC), _aware(app, when))


def eta_of(app: Celery, options: Mapping[str, Any]) -> str | None:
    """Return the time that a call asks for, as ISO text in UTC."""
    return moment(app, options.get("countdown") or options.get("eta"))


def moment(app: Celery, when: Any) -> str | None:
    """Return the moment as ISO text in UTC, which means the same whenever it is read."""
    if when is None:
        return None
    if isinstance(when, int | float):
        return after(datetime.now(UTC), DELAY.nearest(float(when))).isoformat()
    return utc(_aware(app, when)).isoformat()


def check_moment(app: Celery, name: str, when: Any) -> None:
    """Raise InvalidDelay unless the value is a time that can be stored."""
    if when is None:
        return
    if isinstance(when, int | float):
        # For Celery, a time in the past means due, or expired.
        if not when < 0:
            check_delay(when, name=name)
        return
    try:
        _aware(app, when)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidDelay(delay=when, most=int(DELAY.most), name=name) from error


def _aware(app: Celery, when: datetime | str) -> datetime:
    found = datetime.fromisoformat(when) if isinstance(when, str) else when
    return found if found.tzinfo else found.replace(tzinfo=app.timezone)
