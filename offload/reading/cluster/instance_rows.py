"""Facts about instances beyond the topology, read by one statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, Subquery

from offload.conf import settings
from offload.fleet.row_values import GOODBYE
from offload.models import Instance, Switch
from offload.models.fields import DatabaseNow
from offload.reading.rules.applied import Applied, read_applied

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


#: The columns that are read here; the others are large in a fleet of a thousand, and in the
#: topology.
COLUMNS = ("beat_at", "started_at", "host", "pid", "gone_because", "applied", "load")
#: An instance that misses that many heartbeats counts as silent.
LATE_HEARTBEATS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Facts about an instance beyond the topology; times are by the database's clock."""

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
    #: Why properties are not renewed, by their names.
    failing_properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_died(self) -> bool:
        """Tell whether it left without saying goodbye."""
        return self.gone_because not in {"", GOODBYE}

    @property
    def is_silent(self) -> bool:
        """Tell whether it has not beat for longer than one that lives does."""
        return self.beat_age > _late_seconds()


def _late_seconds() -> float:
    return LATE_HEARTBEATS * settings().heartbeat


def read() -> dict[str, Line]:
    """Return the facts in each row, by the name of its instance."""
    return {row.pk: _line(row) for row in _rows()}


def silent() -> dict[str, float]:
    """Return the instances that should beat and do not, and for how many seconds; one statement."""
    rows = Instance.objects.live().annotate(age=age("beat_at"))
    late = rows.filter(age__gt=timedelta(seconds=_late_seconds())).order_by("pk")
    return {name: age.total_seconds() for name, age in late.values_list("pk", "age")}


def age(name: str) -> ExpressionWrapper[Any]:
    """Return the SQL of the age of a column's time, by the database's clock."""
    return ExpressionWrapper(DatabaseNow() - F(name), output_field=DurationField())


def _rows() -> Any:
    switched = Switch.objects.filter(pk=OuterRef("pk")).annotate(age=age("since"))
    return Instance.objects.only(*COLUMNS).annotate(
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
        failing_properties=_failing(row.load),
    )


def _failing(load: object) -> dict[str, str]:
    """Return an agent's announcement of failing functions, even if it was written by hand."""
    found = load.get("providers") if isinstance(load, dict) else None
    return {str(key): str(one) for key, one in found.items()} if isinstance(found, dict) else {}


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()
