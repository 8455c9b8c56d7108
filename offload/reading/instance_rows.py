"""Facts of instances beyond the topology, read by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, Subquery
from django.db.models.functions import Now

from offload.conf import settings
from offload.fleet.row_values import GOODBYE
from offload.models import Instance, Switch
from offload.reading.applied import Applied, read_applied

if TYPE_CHECKING:
    from datetime import datetime, timedelta


#: Heartbeats after which an instance counts as silent.
LATE_HEARTBEATS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Facts of an instance beyond the topology; times are by the database's clock."""

    beat_age: float
    beat_at: datetime
    up_for: float
    started_at: datetime
    host: str
    pid: int
    gone_because: str = ""
    applied: Applied | None = None
    #: Seconds since it was switched off, if it is.
    off_for: float | None = None

    @property
    def has_died(self) -> bool:
        """Tell whether it is gone without a goodbye."""
        return self.gone_because not in {"", GOODBYE}

    @property
    def is_silent(self) -> bool:
        """Tell whether it has not beat for longer than one that lives does."""
        return self.beat_age > LATE_HEARTBEATS * settings().heartbeat


def read() -> dict[str, Line]:
    """Return what each row says, by the name of its instance."""
    return {row.pk: _line(row) for row in _rows()}


def age(name: str) -> ExpressionWrapper[Any]:
    """Return how long ago a column says, by the database's clock."""
    return ExpressionWrapper(Now() - F(name), output_field=DurationField())


def _rows() -> Any:
    switched = Switch.objects.filter(pk=OuterRef("pk")).annotate(age=age("since"))
    return Instance.objects.annotate(
        beat_age=age("beat_at"),
        up_age=age("started_at"),
        off_age=Subquery(switched.values("age"), output_field=DurationField()),
    )


def _line(row: Any) -> Line:
    return Line(
        beat_age=max(0.0, row.beat_age.total_seconds()),
        beat_at=row.beat_at,
        up_for=row.up_age.total_seconds(),
        started_at=row.started_at,
        host=row.host,
        pid=row.pid,
        gone_because=row.gone_because,
        applied=read_applied(row.name, row.applied),
        off_for=_seconds(row.off_age),
    )


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()
