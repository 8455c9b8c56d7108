"""Change many jobs by one request, which is bounded and reports how many are left.

A request of a person (``by``) is recorded in the transactions that carry it out.

Ends are only marked here; if they are many, the sweep concludes them, so that a request for
thousands of jobs returns soon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

from offload.core.states import JobState
from offload.db import database
from offload.db.conflicts import retried
from offload.files.delivering import try_again, undelivered
from offload.jobs import obstacles
from offload.jobs.removing import remove_all
from offload.jobs.retrying import retry_all
from offload.jobs.stopping import stop_all
from offload.models import Job
from offload.models.jobs import JobQuerySet, Kind
from offload.operations.changes import jobs as recorded
from offload.operations.changes.jobs import JobAction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from offload.operations.changes.actors import Actor

#: Most jobs that one request changes; further ones are left.
JOBS_PER_REQUEST = 5000
#: Jobs per transaction.
JOBS_PER_TRANSACTION = 500
#: Jobs that are left are counted up to this number.
COUNTED_JOBS_MAX = 100_000

#: Ids, or a queryset that can be filtered further, so not a slice.
Which: TypeAlias = "Sequence[str] | JobQuerySet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A job that was changed."""

    id: str
    #: Its new state; a running job that was asked to stop is still ACTIVE.
    state: JobState
    #: The new job that retries it.
    retried_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A job that could not be changed."""

    id: str
    #: None if there is no such job.
    state: JobState | None
    #: The reason as a sentence, with the next step if there is one.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """The outcome of a request for many jobs, in the order given, or else of submission."""

    changed: tuple[Changed, ...] = ()
    refused: tuple[Refused, ...] = ()
    #: How many more jobs match, counted up to ``COUNTED_JOBS_MAX``; repeat the request for them.
    left: int = 0


class How(TypedDict, total=False):
    """How a request is carried out, and for whom."""

    #: Most jobs that it changes; ``JOBS_PER_REQUEST`` if it is left out.
    most: int
    #: Whether to change nothing, and to return the jobs that would be changed, as they are.
    dry_run: bool
    #: The person who asks, to be recorded.
    by: Actor | None
    #: The reason, to be recorded with it.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    action: JobAction
    #: Limits a queryset to the jobs that it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: Narrows jobs that were given by their ids down to those that it changes.
    able_by_id: Callable[[JobQuerySet], JobQuerySet]
    #: Changes some, each batch in one transaction.
    do: Callable[[Sequence[str]], Iterable[Changed]]
    #: Says why a job was not changed.
    why_not: Callable[[Job], str]


def stop(which: Which, *, force: bool = False, **how: Unpack[How]) -> BulkResult:
    """Ask jobs to stop, as ``offload.stop`` does each; ``force`` kills processes that run them.

    Of a queryset, jobs that were asked before are passed over.
    """
    change = _Change(
        action=JobAction.FORCE if force else JobAction.STOP,
        able=partial(JobQuerySet.stoppable, force=force),
        able_by_id=JobQuerySet.unfinished,
        do=partial(_stop, force=force),
        why_not=obstacles.to_stopping,
    )
    return _change(which, change, **how)


def remove(which: Which, **how: Unpack[How]) -> BulkResult:
    """Make jobs that wait, or were handed over, DROPPED; one that runs has to be stopped."""
    change = _Change(
        action=JobAction.REMOVE,
        able=JobQuerySet.removable,
        able_by_id=JobQuerySet.removable,
        do=_remove,
        why_not=obstacles.to_removing,
    )
    return _change(which, change, **how)


def retry(which: Which, *, again: bool = False, **how: Unpack[How]) -> BulkResult:
    """Submit what has ended once more, as ``offload.retry`` does each, oldest first.

    What was retried before is passed over, since its retry can be retried; ``again`` retries it
    too, where it is given by its id.
    """
    change = _Change(
        action=JobAction.RETRY,
        able=JobQuerySet.retriable,
        able_by_id=_ended if again else JobQuerySet.retriable,
        do=partial(_retry, again=again),
        why_not=obstacles.to_retrying,
    )
    return _change(which, change, **how)


def deliver(which: Which, **how: Unpack[How]) -> BulkResult:
    """Let deliveries of outputs that were given up be tried again."""
    change = _Change(
        action=JobAction.DELIVER,
        able=undelivered,
        able_by_id=undelivered,
        do=_deliver,
        why_not=obstacles.to_delivering,
    )
    return _change(which, change, **how)


def _change(
    which: Which,
    change: _Change,
    *,
    most: int = JOBS_PER_REQUEST,
    dry_run: bool = False,
    by: Actor | None = None,
    note: str = "",
) -> BulkResult:
    meant = _ids(which, change, most)
    chosen = meant[:most]
    do = partial(_recorded, change=change, by=by, note=note) if by else change.do
    if dry_run:
        do = partial(_unchanged, able=change.able_by_id)
    done = {one.id: one for batch in _batches(chosen) for one in do(batch)}
    changed = [done[job_id] for job_id in chosen if job_id in done]
    refused = [one for batch in _batches(chosen) for one in _refused(batch, done, change)]
    left = len(meant) - len(chosen)
    if isinstance(which, JobQuerySet) and len(chosen) == most:
        left = change.able(which).order_by()[:COUNTED_JOBS_MAX].count()
        left -= len(changed) if dry_run else 0
    return BulkResult(changed=tuple(changed), refused=tuple(refused), left=left)


@retried
def _recorded(ids: Sequence[str], *, change: _Change, by: Actor, note: str) -> list[Changed]:
    """Change jobs and record who does it, in one transaction."""
    with database.atomic():
        done = {one.id: one for one in change.do(ids)}
        if done:
            jobs = {one: done[one].retried_as for one in ids if one in done}
            recorded.record(change.action, jobs, by, note)
    return list(done.values())


def _ids(which: Which, change: _Change, most: int) -> list[str]:
    if not isinstance(which, JobQuerySet):
        return list(dict.fromkeys(which))
    found = change.able(which).order_by("created_at", "id")
    return list(found.values_list("pk", flat=True)[:most])


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), JOBS_PER_TRANSACTION):
        yield ids[start : start + JOBS_PER_TRANSACTION]


def _refused(batch: Sequence[str], done: Collection[str], change: _Change) -> Iterator[Refused]:
    others = [one for one in batch if one not in done]
    rows = Job.objects.ids(others).without_values().in_bulk() if others else {}
    for job_id in others:
        row = rows.get(job_id)
        reason = change.why_not(row) if row else obstacles.NO_JOB
        yield Refused(id=job_id, state=row.job_state if row else None, reason=reason)


def _unchanged(ids: Sequence[str], *, able: Callable[[JobQuerySet], JobQuerySet]) -> list[Changed]:
    """Return the jobs that would be changed, as they are."""
    found = able(Job.objects.ids(ids)).values_list("pk", "state")
    return [Changed(id=key, state=JobState(state)) for key, state in found]


def _ended(jobs: JobQuerySet) -> JobQuerySet:
    """Return the jobs of this cluster that ended, also those that were retried."""
    return jobs.ended().filter(kind=Kind.JOB, home=None)


def _stop(ids: Sequence[str], *, force: bool) -> list[Changed]:
    meant = list(Job.objects.ids(ids).unfinished().values_list("pk", flat=True))
    stop_all(meant, force=force)
    asked = Job.objects.ids(meant).filter(stop_requested=True)
    return [
        Changed(id=key, state=JobState(state)) for key, state in asked.values_list("pk", "state")
    ]


def _remove(ids: Sequence[str]) -> list[Changed]:
    return [Changed(id=job_id, state=JobState.DROPPED) for job_id in remove_all(ids)]


def _deliver(ids: Sequence[str]) -> list[Changed]:
    return [Changed(id=job_id, state=JobState.SUCCEEDED) for job_id in try_again(ids)]


def _retry(ids: Sequence[str], *, again: bool) -> list[Changed]:
    found = retry_all(ids, again=again)
    return [Changed(id=row.pk, state=row.job_state, retried_as=new) for row, new in found]
