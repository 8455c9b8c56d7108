"""Resources: how much there is, which jobs use it, and how many wait for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.admission.resources import ResourceUse, report_fact
from offload.fleet.snapshots import now, snapshot
from offload.models import Resource
from offload.reading.cluster import counts
from offload.tracking.binding import resource_use

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.core.placement.lanes import Lane
    from offload.fleet.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLine:
    """One resource: how much of it is used, by whom, and how many jobs wait that use it."""

    use: ResourceUse
    waiting: int
    is_declared: bool
    at: datetime

    @property
    def name(self) -> str:
        """Return its name."""
        return self.use.resource.name

    @property
    def in_force(self) -> int:
        """Return how much there is now."""
        return self.use.resource.in_force(self.at)

    @property
    def cools(self) -> bool:
        """Tell whether it cools down."""
        return self.use.resource.cools(self.at)

    @property
    def report(self) -> str:
        """Return a sentence about its last report; "" for one without reports."""
        return report_fact(self.use.resource, self.at)

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        resource = self.use.resource
        report, cools_until = resource.report, resource.cools_until
        return {
            "name": resource.name,
            "capacity": resource.capacity,
            "in_force": self.in_force,
            "used": self.use.used,
            "waiting": self.waiting,
            "per": resource.per.value,
            "report_age": report.age if report else None,
            "stale": report.stale.value if report else None,
            "reported": report.amount if report else None,
            "reported_at": report.at.isoformat() if report and report.at else None,
            "cools_until": cools_until.isoformat() if cools_until and self.cools else None,
            "cooled_by": resource.cooled_by if self.cools else "",
            "note": resource.note,
            "declared": self.is_declared,
            "users": [
                {
                    "job": one.job_id,
                    "topic": one.topic,
                    "amount": one.amount,
                    "host": one.host,
                    "running": one.is_running,
                    "seconds": round(one.age, 3),
                }
                for one in self.use.holders
            ],
        }


def resources() -> tuple[ResourceLine, ...]:
    """Return every resource, by name."""
    declared = dict(Resource.objects.values_list("name", "is_declared"))
    if not declared:
        return ()
    waiting, at = _waiting(), now()
    return tuple(
        ResourceLine(use=use, waiting=waiting[name], is_declared=declared.get(name, False), at=at)
        for name, use in sorted(resource_use.read().items())
    )


def line_of(row: Resource, *, with_waiting: bool = False) -> ResourceLine:
    """Return one resource; the waiting jobs are counted only if that is asked for."""
    found = resource_use.read([row.name]).get(row.name)
    return ResourceLine(
        use=found or ResourceUse(resource=resource_use.resource_of(row)),
        waiting=_waiting()[row.name] if with_waiting else 0,
        is_declared=row.is_declared,
        at=now(),
    )


def capacities() -> Mapping[str, int]:
    """Return how much there is of each resource by hand, by name."""
    return dict(Resource.objects.values_list("name", "capacity"))


def undefined() -> Mapping[str, tuple[str, ...]]:
    """Return the users of resources that nobody has defined, by its name: queues, tasks, topics."""
    current = snapshot(fresh=True)
    asked: dict[str, dict[str, None]] = {}
    for policy in current.policies:
        _note(asked, policy.resources.names, f"queue {policy.name}")
    for instance in current.topology.live:
        for consumer in instance.consumers:
            _note(asked, consumer.resources.names, f"task {consumer.task}")
    for lane in counts.count().lanes:
        _note(asked, lane.resources.names, f"jobs of {lane.topic}")
    if not asked:
        return {}
    known = set(Resource.objects.filter(name__in=asked).values_list("name", flat=True))
    return {name: tuple(users) for name, users in sorted(asked.items()) if name not in known}


def _note(asked: dict[str, dict[str, None]], names: tuple[str, ...], user: str) -> None:
    for name in names:
        asked.setdefault(name, {})[user] = None


def _waiting() -> Counter[str]:
    """Count the waiting jobs by the resources that they use."""
    current = snapshot(fresh=True)
    found: Counter[str] = Counter()
    for lane, number in counts.count().lanes.items():
        for name in names_used(lane, current):
            found[name] += number
    return found


def names_used(lane: Lane, current: Snapshot) -> set[str]:
    """Return the resources that jobs of a lane use, at any of the live instances."""
    asked = {*lane.resources.names, *current.policy(lane.queue).resources.names}
    for instance in current.topology.live:
        if any(one.resources for one in instance.consumers):
            asked |= set(current.amounts(lane, instance).names)
    return asked
