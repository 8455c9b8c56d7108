"""Resources: how much of each is used, by whom, and how many more jobs may use it now."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.admission.gates import GateVerdict
from offload.core.moments import between, span
from offload.core.states import Waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

# Users that are named in a fact.
USERS_SHOWN = 3


class Per(enum.StrEnum):
    """The unit that a resource is counted by."""

    # Each job that is bound or runs uses its amount.
    JOB = "job"
    # All jobs on one host use it together, as much as the one that uses most.
    HOST = "host"


class Stale(enum.StrEnum):
    """The rule while the last report is too old to count."""

    # The capacity that a person gave.
    OPEN = "open"
    # Nothing more begins.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityReport:
    """Reports of how much there is, by somebody outside."""

    # The last one; None before the first.
    amount: int | None = None
    at: datetime | None = None
    # Seconds for which a report counts.
    age: float
    stale: Stale = Stale.CLOSED

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the last report counts."""
        return self.at is not None and between(self.at, now) <= self.age


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceInfo:
    """A named, countable thing that is not an instance."""

    name: str
    # By hand; a report only lowers it.
    capacity: int
    per: Per = Per.JOB
    report: CapacityReport | None = None
    # Nothing that uses it begins before this time.
    cools_until: datetime | None = None
    # The job or the person that asked for that.
    cooled_by: str = ""
    note: str = ""

    def in_force(self, now: datetime) -> int:
        """Return how much there is, given the last report."""
        if self.report is None:
            return self.capacity
        if self.report.is_fresh(now):
            return min(self.capacity, self.report.amount or 0)
        return self.capacity if self.report.stale is Stale.OPEN else 0

    def cools(self, now: datetime) -> bool:
        """Tell whether nothing that uses it may begin for a while."""
        return self.cools_until is not None and now < self.cools_until


@dataclass(frozen=True, slots=True, kw_only=True)
class UsingJob:
    """A bound or running job that uses a resource."""

    job_id: str
    amount: int
    host: str
    is_running: bool
    topic: str = ""
    # The seconds since it was bound.
    age: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """A resource and the jobs that use it, in the order in which they were bound."""

    resource: ResourceInfo
    holders: Sequence[UsingJob] = field(default=())

    @property
    def hosts(self) -> dict[str, int]:
        """Return how much each host uses: as much as the job that uses most of it there."""
        found: defaultdict[str, int] = defaultdict(int)
        for one in self.holders:
            found[one.host] = max(found[one.host], one.amount)
        return dict(found)

    @property
    def used(self) -> int:
        """Return how much is used."""
        if self.resource.per is Per.HOST:
            return sum(self.hosts.values())
        return sum(one.amount for one in self.holders)

    def room(self, amount: int, host: str, now: datetime) -> int | None:
        """Return how many more jobs of this amount may be bound on a host; None for any number."""
        if self.resource.cools(now):
            return 0
        free = self.resource.in_force(now) - self.used
        if self.resource.per is Per.JOB:
            return max(0, free // amount)
        if free < 0:
            return 0
        more = amount - self.hosts.get(host, 0)
        return None if more <= free or more <= 0 else 0

    def beyond(self, now: datetime) -> list[str]:
        """Return the ids of the unstarted jobs to take back, so that no more begin than may.

        The last bound go first. While it cools down, these are all that have not begun.
        """
        unstarted = [one for one in self.holders if not one.is_running]
        if self.resource.cools(now):
            return [one.job_id for one in unstarted]
        capacity, left, taken = self.resource.in_force(now), list(self.holders), []
        for one in reversed(unstarted):
            if ResourceUse(resource=self.resource, holders=left).used <= capacity:
                break
            left.remove(one)
            taken.append(one.job_id)
        return taken


def fewest(rooms: Iterable[int | None]) -> int | None:
    """Return the least of several rooms, of which None is without limit."""
    return min((one for one in rooms if one is not None), default=None)


def verdict(
    use: ResourceUse, amount: int, now: datetime, *, hosts: Collection[str] = ()
) -> GateVerdict:
    """Return how many more jobs that use this amount may begin now, and why no more.

    ``hosts`` are those on which it could run; the one with most room counts.
    """
    resource, name = use.resource, use.resource.name
    rooms = [use.room(amount, host, now) for host in hosts or ("",)]
    is_cooling = resource.cools(now)
    fact = f"{_counted(use, amount, now)}{_users(use)}"
    # Where a report says less, more capacity would let nothing through.
    more = "report {} N" if resource.in_force(now) < resource.capacity else "set {} --capacity N"
    change = f"clear {name}" if is_cooling else more.format(name)
    return GateVerdict(
        gate="resource",
        n=None if None in rooms else max(one or 0 for one in rooms),
        used=use.used,
        limit=resource.in_force(now),
        waiting=Waiting.RESOURCE,
        why=f"{Waiting.RESOURCE.sentence} {fact}",
        fact=fact,
        again_at=resource.cools_until if is_cooling else None,
        change=f"manage.py offload resources {change}",
        purpose="To end that" if is_cooling else "To change how much there is",
        each=amount,
    )


def undefined(name: str, amount: int) -> GateVerdict:
    """Return the verdict on a job that uses a resource that nobody has defined: it waits."""
    fact = f"It uses {amount} of {name}, a resource that nobody has defined."
    return GateVerdict(
        gate="resource",
        n=0,
        used=0,
        limit=0,
        waiting=Waiting.RESOURCE,
        why=fact,
        fact=fact,
        change=f"manage.py offload resources set {name} --capacity N",
        purpose="To define it",
        each=amount,
    )


def report_fact(resource: ResourceInfo, now: datetime) -> str:
    """Say what the last report of a resource means; "" for one without reports."""
    report = resource.report
    if report is None:
        return ""
    if report.at is None:
        state = "nobody has reported how much there is"
    elif report.is_fresh(now):
        return f"{report.amount} were reported {span(max(0.0, between(report.at, now)))} ago"
    else:
        state = f"the last report is {span(max(0.0, between(report.at, now)))} old"
    then = "what a person set holds" if report.stale is Stale.OPEN else "nothing more begins"
    return f"{state}, so {then}"


def _counted(use: ResourceUse, amount: int, now: datetime) -> str:
    """Say how much is used of how much, and what a job needs."""
    resource = use.resource
    unit = "hosts use" if resource.per is Per.HOST else "jobs use"
    said = f"{unit} {use.used} of {resource.in_force(now)} {resource.name}"
    needs = "" if amount == 1 else f"; it needs {amount}"
    reported = report_fact(resource, now)
    cooling = ""
    if resource.cools(now):
        by = f", asked for by {resource.cooled_by}" if resource.cooled_by else ""
        cooling = f"; it cools down until {resource.cools_until:%Y-%m-%d %H:%M:%S %Z}{by}"
    return f"{said[0].upper()}{said[1:]}{needs}{f'; {reported}' if reported else ''}{cooling}."


def _users(use: ResourceUse) -> str:
    """Name the jobs that use it, the first bound first."""
    if not use.holders:
        return ""
    shown = ", ".join(
        f"{one.job_id} {'running' if one.is_running else 'bound'} for {span(one.age)}"
        + (f" on {one.host}" if use.resource.per is Per.HOST else "")
        for one in use.holders[:USERS_SHOWN]
    )
    more = len(use.holders) - USERS_SHOWN
    return f" Used by {shown}{f' and {more} more' if more > 0 else ''}."
