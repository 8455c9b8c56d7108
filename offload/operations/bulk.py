"""Many jobs stopped, removed or retried by one request: bounded, and saying what is left.

Ends are only marked here, and concluded by the sweep where they are many, so that a request over
thousands of jobs returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from offload.core.states import JobState
from offload.jobs import obstacles
from offload.jobs.removing import remove_all
from offload.jobs.retrying import retry_all
from offload.jobs.stopping import stop_all
from offload.models import Job
from offload.models.jobs import JobQuerySet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

#: Jobs that one request changes; those behind them are left.
JOBS_PER_REQUEST = 5000
#: Jobs per transaction.
JOBS_PER_TRANSACTION = 500
#: What is left is counted up to here.
COUNTED_JOBS_MAX = 100_000

#: Ids, or a question that may be narrowed down further: no slice.
Which: TypeAlias = "Sequence[str] | JobQuerySet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A job that was changed."""

    id: str
    #: What it is now: one that runs and was asked to stop is still ACTIVE.
    state: JobState
    #: The new job that runs it once more.
    retried_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A job that was meant and not changed."""

    id: str
    #: None where there is no such job.
    state: JobState | None
    #: Why, as a sentence, and the next step where there is one.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """The outcome of a request over many jobs, in the order in which they were given or made."""

    changed: tuple[Changed, ...] = ()
    refused: tuple[Refused, ...] = ()
    #: How many more it was meant for, counted up to ``COUNTED_JOBS_MAX``; ask again for them.
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    #: Narrows a question down to the jobs that it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: Changes some, each batch in one transaction.
    do: Callable[[Sequence[str]], Iterable[Changed]]
    #: Says why a job was not changed.
    why_not: Callable[[Job], str]


def stop(which: Which, *, force: bool = False, most: int = JOBS_PER_REQUEST) -> BulkResult:
    """Ask jobs to stop, as ``offload.stop`` does each; ``force`` kills processes that run them.

    Of a queryset, jobs that were asked before are passed over.
    """
    able = partial(JobQuerySet.stoppable, force=force)
    act = _Act(able=able, do=partial(_stop, force=force), why_not=obstacles.to_stopping)
    return _change(which, act, most)


def remove(which: Which, *, most: int = JOBS_PER_REQUEST) -> BulkResult:
    """Make jobs that wait, or were handed over, DROPPED; one that runs has to be stopped."""
    act = _Act(able=JobQuerySet.removable, do=_remove, why_not=obstacles.to_removing)
    return _change(which, act, most)


def retry(which: Which, *, again: bool = False, most: int = JOBS_PER_REQUEST) -> BulkResult:
    """Submit what has ended once more, as ``offload.retry`` does each, oldest first.

    What was retried before is passed over, since its retry can be retried; ``again`` retries it
    too, where it is given by its id.
    """
    do = partial(_retry, again=again)
    act = _Act(able=JobQuerySet.retriable, do=do, why_not=obstacles.to_retrying)
    return _change(which, act, most)


def _change(which: Which, act: _Act, most: int) -> BulkResult:
    meant = _ids(which, act, most)
    chosen = meant[:most]
    done = {one.id: one for batch in _batches(chosen) for one in act.do(batch)}
    changed = [done[job_id] for job_id in chosen if job_id in done]
    refused = [one for batch in _batches(chosen) for one in _refused(batch, done, act)]
    left = len(meant) - len(chosen)
    if isinstance(which, JobQuerySet) and len(chosen) == most:
        left = act.able(which).order_by()[:COUNTED_JOBS_MAX].count()
    return BulkResult(changed=tuple(changed), refused=tuple(refused), left=left)


def _ids(which: Which, act: _Act, most: int) -> list[str]:
    if not isinstance(which, JobQuerySet):
        return list(dict.fromkeys(which))
    found = act.able(which).order_by("created_at", "id")
    return list(found.values_list("pk", flat=True)[:most])


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), JOBS_PER_TRANSACTION):
        yield ids[start : start + JOBS_PER_TRANSACTION]


def _refused(batch: Sequence[str], done: Collection[str], act: _Act) -> Iterator[Refused]:
    others = [one for one in batch if one not in done]
    rows = Job.objects.ids(others).without_values().in_bulk() if others else {}
    for job_id in others:
        row = rows.get(job_id)
        reason = act.why_not(row) if row else obstacles.NO_JOB
        yield Refused(id=job_id, state=row.job_state if row else None, reason=reason)


def _stop(ids: Sequence[str], *, force: bool) -> list[Changed]:
    meant = list(Job.objects.ids(ids).unfinished().values_list("pk", flat=True))
    stop_all(meant, force=force)
    asked = Job.objects.ids(meant).filter(stop_requested=True)
    return [
        Changed(id=key, state=JobState(state)) for key, state in asked.values_list("pk", "state")
    ]


def _remove(ids: Sequence[str]) -> list[Changed]:
    return [Changed(id=job_id, state=JobState.DROPPED) for job_id in remove_all(ids)]


def _retry(ids: Sequence[str], *, again: bool) -> list[Changed]:
    found = retry_all(ids, again=again)
    return [Changed(id=row.pk, state=row.job_state, retried_as=new) for row, new in found]
