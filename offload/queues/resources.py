"""Resources defined, changed, reported and cooled down; each acts at once on bound jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import F
from django.db.models.functions import Greatest

from offload.core.exceptions import InvalidNumber, InvalidResource, UnknownResource
from offload.core.moments import after
from offload.core.retries import Cause
from offload.core.validation.bounds import CAPACITY, RETRY_DELAY
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.models import Resource, ResourceUser
from offload.models.fields import DatabaseNow
from offload.models.validation import error_text
from offload.tracking import requeue, selectors
from offload.tracking.binding import resource_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.matching.amounts import Amounts
    from offload.fleet.leadership import Term
    from offload.models import Queue

#: Jobs that one statement takes back.
JOBS_PER_STATEMENT = 500
#: The fields that people and the settings give.
FIELDS = ("capacity", "per", "report_age", "stale", "note")
#: Characters of the name of who asked for a cooling.
BY_MAX = 255


def find(name: str) -> Resource:
    """Return a resource; raise UnknownResource if nobody has defined one of that name."""
    row: Resource | None = Resource.objects.filter(name=name).first()
    if row is None:
        raise UnknownResource(name=name, known=known())
    return row


def known() -> list[str]:
    """Return the names of all resources."""
    return list(Resource.objects.values_list("name", flat=True))


def missing(names: Iterable[str]) -> list[str]:
    """Return those of these names that nobody has defined a resource of."""
    asked = set(names)
    if not asked:
        return []
    return sorted(
        asked - set(Resource.objects.filter(name__in=asked).values_list("name", flat=True))
    )


def check_defined(amounts: Amounts) -> None:
    """Raise UnknownResource if nobody has defined one of these; ask nothing if there are none."""
    if amounts and (unknown := missing(amounts.names)):
        raise UnknownResource(name=unknown[0], known=known())


def set_(name: str, **fields: Any) -> tuple[Resource, int]:
    """Define a resource, or change the given fields of one; it is a person's from then on.

    Return it, and how many unstarted jobs were taken back because there is less of it. Raise
    InvalidResource, with nothing changed, for invalid fields, or for a new one without a capacity.
    """
    row: Resource | None = Resource.objects.filter(name=name).first()
    if row is None and "capacity" not in fields:
        raise InvalidResource(name=name, problem="a new one needs a capacity: --capacity N")
    row = row or Resource(name=name)
    for field, value in fields.items():
        setattr(row, field, value)
    row.is_declared = False
    check(row)
    return row, save(row)


def check(row: Resource) -> None:
    """Raise InvalidResource if a resource is invalid."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidResource(name=row.name, problem=error_text(error).rstrip(".")) from error


@retried
def save(row: Resource) -> int:
    """Store a resource; return how many unstarted jobs were taken back."""
    with database.atomic():
        resource_use.locked([row.name])
        row.save(using=database.alias())
        return _take_back(row.name)


@retried
def report(name: str, amount: int) -> tuple[Resource, int]:
    """Note how much there is, as somebody outside counts it.

    Return the resource, and how many unstarted jobs were taken back. Raise UnknownResource;
    InvalidNumber for an invalid amount, InvalidResource for a resource that takes no reports.
    """
    if amount not in CAPACITY:
        raise InvalidNumber(name="amount", value=amount, allowed=str(CAPACITY))
    row = find(name)
    if row.report_age is None:
        problem = f"it takes no reports: manage.py offload resources set {name} --report-age 60s"
        raise InvalidResource(name=name, problem=problem)
    return row, _change(row, reported=amount, reported_at=DatabaseNow())


def cool(name: str, seconds: float, *, by: str) -> tuple[Resource, int]:
    """Let nothing that uses a resource begin for a while; return it, and how many were taken back.

    A cooling that lasts longer already stays. Raise UnknownResource, and InvalidNumber.
    """
    if seconds not in RETRY_DELAY:
        raise InvalidNumber(name="seconds", value=seconds, allowed=str(RETRY_DELAY))
    row, until = find(name), after(now(), seconds)
    longest = until if row.cools_until is None else Greatest(F("cools_until"), until)
    return row, _change(row, cools_until=longest, cooled_by=by[:BY_MAX])


def clear(name: str) -> tuple[Resource, bool]:
    """End the cooling of a resource; return it, and whether it cooled down."""
    row = find(name)
    cooled = resource_use.resource_of(row).cools(now())
    _change(row, cools_until=None, cooled_by="")
    return row, cooled


@retried
def _change(row: Resource, **values: Any) -> int:
    with database.atomic():
        resource_use.locked([row.name])
        Resource.objects.filter(pk=row.pk).update(**values)
        count = _take_back(row.name)
    row.refresh_from_db()
    return count


@retried
def remove(names: Iterable[str]) -> int:
    """Remove resources; return how many unstarted jobs were taken back.

    Jobs that use them wait until somebody defines them again.
    """
    gone = list(names)
    with database.atomic():
        resource_use.locked(gone)
        count = sum(_take_back(name, all_of_them=True) for name in gone)
        Resource.objects.filter(name__in=gone).delete()
        ResourceUser.objects.filter(resource__in=gone).delete()
    return count


def queues_using(name: str) -> tuple[str, ...]:
    """Return the names of the queues whose jobs use a resource."""
    return tuple(one.name for one in snapshot().policies if name in one.resources.names)


def _take_back(name: str, *, all_of_them: bool = False) -> int:
    """Take back the unstarted jobs beyond what there is; the resource's row is locked."""
    use = resource_use.read([name]).get(name)
    if use is None:
        return 0
    ids = (
        [one.job_id for one in use.holders if not one.is_running]
        if all_of_them
        else use.beyond(now())
    )
    return sum(
        len(requeue.recall(selectors.these(part), cause=Cause.REFUSED))
        for part in (
            ids[start : start + JOBS_PER_STATEMENT]
            for start in range(0, len(ids), JOBS_PER_STATEMENT)
        )
    )


def follow(queue: Queue, before: Amounts, after_: Amounts) -> None:
    """Count what runs of a queue as users of what it uses from now on; take back what is too much.

    Call it after the transaction that changed the queue: resources are locked before queues.
    """
    if not after_ or before == after_:
        return
    topology = snapshot(fresh=True).topology
    for job_id, epoch, name in resource_use.bound_in(queue.name):
        instance = topology.instance(name)
        resource_use.write([(job_id, epoch)], after_, instance.host if instance else "")
    for name in after_.names:
        enforce(name)


@retried
def enforce(name: str) -> int:
    """Take back the unstarted jobs beyond what there is of a resource."""
    with database.atomic():
        resource_use.locked([name])
        return _take_back(name)


def limit(term: Term) -> int:
    """Take back jobs beyond what there is of resources; return the number of those resources."""
    return for_each(exceeded(), lambda name: _enforce(term, name))


def _enforce(term: Term, name: str) -> None:
    with leading(term):
        enforce(name)


def exceeded() -> list[str]:
    """Return the resources of which jobs are to be taken back, such as after a report aged."""
    return [name for name, use in uses().items() if use.beyond(now())]


def uses() -> Mapping[str, Any]:
    """Return the use of all resources, by name."""
    return resource_use.read()


LIMIT = Duty(name="resources", do=limit, every=2.0, needs_term=True)
