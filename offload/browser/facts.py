"""What the pages about the cluster are made of, read by three statements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, Subquery
from django.db.models.functions import Now

from offload.browser.standings import Applied, read_applied
from offload.engine.counts import Counts, count
from offload.engine.topology import now, snapshot
from offload.models import Instance, Rule, Switch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, timedelta

    from offload.core.policies import Policy
    from offload.core.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What an instance's row says beyond the topology; times are by the database's clock."""

    beat_age: float
    up_for: float
    started_at: datetime
    host: str
    pid: int
    gone_because: str = ""
    applied: Applied | None = None
    #: Seconds since it was switched off, if it is.
    off_for: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything about the cluster at one moment."""

    now: datetime
    topology: Topology
    policies: tuple[Policy, ...] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    #: Seconds since rules were made, by their ids.
    rule_ages: Mapping[int, float] = field(default_factory=dict)


def read() -> Facts:
    """Ask the database."""
    seen = snapshot(fresh=True)
    return Facts(
        now=now(),
        topology=seen.topology,
        policies=seen.policies,
        lines={row.pk: _line(row) for row in _rows()},
        counts=count(),
    )


def with_rule_ages(facts: Facts, ids: Collection[int]) -> Facts:
    """Return the facts with the ages of these rules."""
    found = Rule.objects.filter(pk__in=ids).annotate(age=_age("created_at"))
    ages = {pk: age.total_seconds() for pk, age in found.values_list("pk", "age")}
    return replace(facts, rule_ages=ages)


def _rows() -> Any:
    switched = Switch.objects.filter(pk=OuterRef("pk")).annotate(age=_age("since"))
    return Instance.objects.annotate(
        beat_age=_age("beat_at"),
        up_age=_age("started_at"),
        off_age=Subquery(switched.values("age"), output_field=DurationField()),
    )


def _age(name: str) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Now() - F(name), output_field=DurationField())


def _line(row: Any) -> Line:
    return Line(
        beat_age=max(0.0, row.beat_age.total_seconds()),
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
