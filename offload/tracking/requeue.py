"""Every way back to PENDING, as one statement with one CASE (E1).

Requeue after a failure, recall, refusal, a lost attempt, an instance that is gone: a job
whose stop was requested becomes STOPPED on any of them, and a crash too many ends it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.conf import settings
from offload.core.retries import Cause
from offload.core.validation.bounds import COUNTER_MAX
from offload.db import database
from offload.db.statements import named
from offload.models import Attempt, Exclusion, Job
from offload.models.indexes import ACTIVE, BOUND
from offload.tracking import selectors
from offload.tracking.changes import tell, told, told_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.signals import StateChange
    from offload.tracking.selectors import Selector

JOB = Job._meta.db_table
#: One more, as far as the column counts.
ONE_MORE_REFUSAL = f"CASE WHEN refusals < {COUNTER_MAX} THEN refusals + 1 ELSE refusals END"
#: Seconds for which a refusal excludes, by how many there were before.
EXCLUSION_SECONDS = "CASE WHEN refusals < 8 THEN 5 * (1 + refusals * refusals) ELSE 300 END"
#: Seconds for which a job that was taken back for others is not given to the same incarnation.
RECALL_EXCLUSION_SECONDS = "10"
#: It is counted as crashed (R10), as far as the column counts.
COUNTS_CRASH = f"state = 'ACTIVE' AND crashes < {COUNTER_MAX}"
CRASHED_TOO_OFTEN = "state = 'ACTIVE' AND crashes + 1 >= %(most_crashes)s"

#: By job: the instance that its ended attempt ran on, and for how many seconds.
Ended: TypeAlias = "dict[str, tuple[str, float | None]]"


def way_back(
    jobs: Selector,
    *,
    cause: Cause,
    error: str = "",
    also: str = "",
    values: Mapping[str, object] | None = None,
    crash: bool = False,
    own: bool = False,
) -> list[StateChange]:
    """Put the bound ones of these jobs back; return what changed.

    Attempts that had begun are recorded with their cause and error, and lose their token, so
    that none of them takes a later end for its own (R9). ``crash`` counts them as
    crashes, up to the limit, and holds the jobs as suspects. ``own`` is an end that the attempt
    itself writes: where it makes the job STOPPED, the token stays, by which it knows that end.
    ``also`` sets further columns, to ``values``.
    """
    with database.atomic():
        ended = _record(jobs, cause, error)
        counted = {"most_crashes": settings().crashes, "error": error} if crash else {}
        found = database.rows(
            _statement(jobs.condition, also, crash=crash, own=own),
            named(jobs.params, values or {}, counted),
        )
        changes = [_told(row, old, cause, ended) for *row, old in found]
        tell(changes)
    return changes


def _told(row: list[Any], old: str, cause: Cause, ended: Ended) -> StateChange:
    """Return a change, with what the row lost by it and the record of the attempt says."""
    change = told(row, old, cause)
    if change.job_id not in ended:
        return change
    instance, ran = ended[change.job_id]
    return replace(change, instance=instance or None, ran=ran)


def _record(jobs: Selector, cause: str, error: str) -> Ended:
    ran = database.seconds_between("started_at", "ended_at")
    found = database.rows(
        f"INSERT INTO {Attempt._meta.db_table} "
        "(job_id, epoch, instance, incarnation, started_at, ended_at, cause, error) "
        f"SELECT id, epoch, instance, incarnation, started_at, {database.now()}, "
        f"%(cause)s, %(error)s FROM {JOB} WHERE {jobs.condition} AND {ACTIVE} "
        f"{database.FOR_UPDATE[database.vendor()]} ON CONFLICT DO NOTHING "
        f"RETURNING job_id, instance, {ran}",
        jobs.given(cause=cause, error=error),
    )
    return {job_id: (instance, seconds) for job_id, instance, seconds in found}


def _statement(where: str, also: str, *, crash: bool, own: bool) -> str:
    now = database.now()
    given_up = f"WHEN {CRASHED_TOO_OFTEN} THEN 'GIVEN_UP' " if crash else ""
    kept = "token = '' OR stop_requested" if own else "token = ''"
    final = f"stop_requested OR ({CRASHED_TOO_OFTEN})" if crash else "stop_requested"
    ran = f"({final}) AND state = 'ACTIVE'"
    counted = (
        f", crashes = crashes + CASE WHEN {COUNTS_CRASH} THEN 1 ELSE 0 END, "
        "hold = CASE WHEN state = 'ACTIVE' THEN 'suspect' ELSE hold END, "
        "error = CASE WHEN state = 'ACTIVE' THEN %(error)s ELSE error END"
        if crash
        else ""
    )
    return (
        f"UPDATE {JOB} SET "
        f"state = CASE WHEN stop_requested THEN 'STOPPED' {given_up}ELSE 'PENDING' END, "
        f"finished_at = CASE WHEN {final} THEN {now} END, aftermath_due = ({final}), "
        f"token = CASE WHEN {kept} THEN token ELSE 'lost' END, "
        # A row that is final says where its last attempt ran, and since when.
        f"instance = CASE WHEN {ran} THEN instance ELSE '' END, incarnation = '', "
        f"bound_at = NULL, started_at = CASE WHEN {ran} THEN started_at END, handed_until = NULL, "
        f"publishes = 0, progress = NULL{counted}{also} "
        f"WHERE {where} AND {BOUND} "
        f"RETURNING {told_columns()}, CASE WHEN token = '' THEN 'QUEUED' ELSE 'ACTIVE' END"
    )


def recall(jobs: Selector, *, cause: Cause) -> list[StateChange]:
    """Take those of these jobs back that are bound and have not begun."""
    return way_back(jobs.where("state = 'QUEUED'"), cause=cause)


def hand_on(job_id: str, epoch: int, *, reason: str) -> list[StateChange]:
    """Take a bound job back so that another incarnation begins it (B8); return what changed.

    The one that had it is passed over for some seconds. That is no refusal: nothing is counted
    against its consumer, nor against the job.
    """
    binding = selectors.one(job_id, epoch)
    with database.atomic():
        _exclude(binding, seconds=RECALL_EXCLUSION_SECONDS, reason=reason)
        return recall(binding, cause=Cause.REQUEUED)


def _exclude(binding: Selector, *, seconds: str, reason: str) -> None:
    database.execute(
        f"INSERT INTO {Exclusion._meta.db_table} (job_id, incarnation, reason, until) "
        f"SELECT id, incarnation, %(reason)s, {database.later(seconds)} "
        f"FROM {JOB} WHERE {binding.condition} AND state = 'QUEUED' "
        "ON CONFLICT (job_id, incarnation) "
        "DO UPDATE SET until = excluded.until, reason = excluded.reason",
        binding.given(reason=reason[:255]),
    )


def recall_from(instance: str, topics: Sequence[str], *, cause: Cause) -> list[StateChange]:
    """Take the unstarted jobs of these topics back from an instance."""
    return recall(selectors.of_topics(instance, topics), cause=cause) if topics else []


def refuse(job_id: str, epoch: int, *, reason: str) -> int | None:
    """Put a bound job back and exclude the incarnation that refused it for a while.

    Return how often the job was refused, or None if it was not bound there any more. The
    exclusion grows with each refusal, from 5 seconds to 5 minutes.
    """
    binding = selectors.one(job_id, epoch)
    with database.atomic():
        _exclude(binding, seconds=EXCLUSION_SECONDS, reason=reason)
        changed = way_back(
            binding.where("state = 'QUEUED'"),
            cause=Cause.REFUSED,
            also=f", refusals = {ONE_MORE_REFUSAL}",
        )
        if not changed:
            return None
        return int(database.rows(f"SELECT refusals FROM {JOB} WHERE id = %s", [job_id])[0][0])


def release_due() -> int:
    """Let delayed jobs whose time has come be bound."""
    due = f"state = 'PENDING' AND run_at <= {database.now()}"
    if not database.rows(f"SELECT 1 FROM {JOB} WHERE {due} LIMIT 1"):
        return 0
    return database.execute(
        f"UPDATE {JOB} SET run_at = NULL "
        f"WHERE id IN (SELECT id FROM {JOB} WHERE {due} LIMIT 500) AND state = 'PENDING'"
    )
