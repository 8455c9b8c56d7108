"""Users of resources: the bound jobs that use some of each, counted by their rows (B6c)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from offload.core.admission.resources import (
    CapacityReport,
    Per,
    ResourceInfo,
    ResourceUse,
    Stale,
    UsingJob,
)
from offload.core.states import JobState
from offload.core.validation.bounds import CAPACITY, REPORT_AGE
from offload.db import database
from offload.db.statements import numbered, placeholders
from offload.models import Job, Resource, ResourceUser
from offload.models.indexes import BOUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.core.matching.amounts import Amounts
    from offload.tracking.binding.bindings import BoundJob

JOB, USER, RESOURCE = (one._meta.db_table for one in (Job, ResourceUser, Resource))
#: Rows of jobs that are bound no more, of which so many may be left.
LEFT_MOST = 50


def resource_of(row: Resource) -> ResourceInfo:
    """Return a resource's row as a value; numbers out of bounds become the nearest valid ones."""
    return ResourceInfo(
        name=row.name,
        capacity=CAPACITY.nearest_whole(row.capacity),
        per=Per(row.per) if row.per in set(Per) else Per.JOB,
        report=None if row.report_age is None else _report(row, row.report_age),
        cools_until=row.cools_until,
        cooled_by=row.cooled_by,
        note=row.note,
    )


def _report(row: Resource, age: float) -> CapacityReport:
    return CapacityReport(
        amount=row.reported,
        at=row.reported_at,
        age=REPORT_AGE.nearest(age),
        stale=Stale(row.stale) if row.stale in set(Stale) else Stale.CLOSED,
    )


def locked(names: Sequence[str]) -> dict[str, ResourceUse]:
    """Lock these resources, always in the order of their names, and return their use by name.

    Call it in a transaction, before any queue or slot is locked.
    """
    params = numbered("name", sorted(names))
    database.rows(
        f"SELECT name FROM {RESOURCE} WHERE name IN ({placeholders(params)}) ORDER BY name "
        f"{database.FOR_UPDATE[database.vendor()]}",
        params,
    )
    return read(names, clean=True)


def read(names: Sequence[str] | None = None, *, clean: bool = False) -> dict[str, ResourceUse]:
    """Return the use of these resources, or of all, by name; undefined ones are left out.

    ``clean`` deletes what jobs have left that are bound no more; only who holds the lock may.
    """
    rows = Resource.objects.all()
    rows = rows if names is None else rows.filter(name__in=names)
    found = {row.name: resource_of(row) for row in rows}
    holders, left = _holders(list(found))
    if clean and len(left) > LEFT_MOST:
        ResourceUser.objects.filter(pk__in=left).delete()
    return {
        name: ResourceUse(resource=one, holders=holders.get(name, ()))
        for name, one in found.items()
    }


def _holders(names: Sequence[str]) -> tuple[Mapping[str, list[UsingJob]], list[int]]:
    """Return the users of resources, the first bound first, and rows of what is bound no more."""
    if not names:
        return {}, []
    params = numbered("name", names)
    found = database.rows(
        f"SELECT u.id, u.resource, u.job_id, u.amount, u.host, j.state, j.topic, "
        f"{database.seconds_since('j.bound_at')} FROM {USER} u LEFT JOIN {JOB} j "
        f"ON j.id = u.job_id AND j.epoch = u.epoch AND j.{BOUND} "
        f"WHERE u.resource IN ({placeholders(params)}) ORDER BY j.bound_at, u.id",
        params,
    )
    holders: defaultdict[str, list[UsingJob]] = defaultdict(list)
    for _, resource, job_id, amount, host, state, topic, age in found:
        if state is not None:
            holders[resource].append(
                UsingJob(
                    job_id=job_id,
                    amount=amount,
                    host=host,
                    is_running=state == JobState.ACTIVE,
                    topic=topic,
                    age=max(0.0, float(age or 0)),
                )
            )
    return holders, [row[0] for row in found if row[5] is None]


def note(bound: Iterable[BoundJob], amounts: Amounts, host: str) -> None:
    """Count bound jobs as users, in the transaction that binds them, with the lock held."""
    write([(job.id, job.epoch) for job in bound], amounts, host)


def write(bindings: Iterable[tuple[str, int]], amounts: Amounts, host: str) -> None:
    """Count bindings of jobs on a host as users of these amounts."""
    ResourceUser.objects.bulk_create(
        [
            ResourceUser(resource=name, job_id=job_id, epoch=epoch, amount=amount, host=host)
            for job_id, epoch in bindings
            for name, amount in amounts.pairs
        ],
        update_conflicts=True,
        unique_fields=["resource", "job_id"],
        update_fields=["epoch", "amount", "host"],
    )


def bound_in(queue: str) -> list[tuple[Any, ...]]:
    """Return job, epoch and instance of the jobs of a queue that are bound in the own cluster."""
    return database.rows(
        f"SELECT id, epoch, instance FROM {JOB} WHERE queue = %(queue)s AND {BOUND} "
        "AND peer IS NULL",
        {"queue": queue},
    )


def uses(job_id: str, epoch: int, name: str) -> bool:
    """Tell whether a binding of a job is counted as a user of a resource."""
    return ResourceUser.objects.filter(job_id=job_id, epoch=epoch, resource=name).exists()
