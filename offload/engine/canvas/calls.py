"""A call of Celery's `send_task`, and the moments in its options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from offload.core.terms import bounded_delay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

#: Options that mean something in the calling process only.
LOCAL = frozenset(
    {"producer", "publisher", "connection", "router", "result_cls", "task_type", "add_to_parent"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was called, with what, on what terms."""

    id: str
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    #: As given; an option that was not is absent.
    options: Mapping[str, Any]

    @property
    def frozen(self) -> dict[str, Any]:
        """Return the options that mean the same in every process."""
        return {name: value for name, value in self.options.items() if name not in LOCAL}


def delay_of(app: Celery, options: Mapping[str, Any]) -> float | None:
    """Return the seconds until a call is due, None for one that is due now."""
    seconds = seconds_until(app, options.get("countdown") or options.get("eta"))
    return seconds if seconds is not None and seconds > 0 else None


def seconds_until(app: Celery, when: Any) -> float | None:
    """Return the seconds from now until a moment: given so, as a time, or as ISO text.

    Those given so are bounded to what databases can add to their clock; any time fits.
    """
    if when is None or isinstance(when, int | float):
        return None if when is None else bounded_delay(float(when))
    return (_aware(app, when) - app.now()).total_seconds()


def moment(app: Celery, when: Any) -> str | None:
    """Return the moment as ISO text, which means the same whenever it is read."""
    if when is None:
        return None
    if isinstance(when, int | float):
        return (app.now() + timedelta(seconds=when)).isoformat()
    return _aware(app, when).isoformat()


def _aware(app: Celery, when: datetime | str) -> datetime:
    found = datetime.fromisoformat(when) if isinstance(when, str) else when
    return found if found.tzinfo else found.replace(tzinfo=app.timezone)
