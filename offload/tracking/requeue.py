"""Every way back to PENDING, as one statement with one CASE (E1).

These are a requeue after a failure, a recall, a refusal, a lost attempt, and a gone instance. On
each of them, a job that was asked to stop becomes STOPPED, and one crash too many ends the job.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from offload.conf import peers, settings
from offload.core.retries import LOSS_CAUSES, Cause
from offload.core.states import JobState
from offload.core.validation.bounds import COUNTER_MAX
from offload.db import database
from offload.db.statements import named, once_per_dialect
from offload.models import Attempt, Exclusion, Job, Queue
from offload.models.indexes import ACTIVE, BOUND, PENDING, TIMED
from offload.tracking import assignments, selectors
from offload.tracking.assignments import NOTHING
from offload.tracking.peers import withdrawals
from offload.tracking.selectors import IS_ACTIVE, IS_QUEUED
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.envelopes import Key
    from offload.signals import StateChange
    from offload.tracking.assignments import Assignments
    from offload.tracking.selectors import Selector

JOB, QUEUE = Job._meta.db_table, Queue._meta.db_table
#: Seconds for which a refusal excludes the incarnation, by the number of earlier refusals.
EXCLUSION_SECONDS = "CASE WHEN refusals < 8 THEN 5 * (1 + refusals * refusals) ELSE 300 END"
#: Seconds before a job that was taken back for others may go to the same incarnation again.
RECALL_EXCLUSION_SECONDS = "10"
#: Whether to count a crash (R10), up to the column's maximum.
COUNTS_CRASH = f"{IS_ACTIVE} AND crashes < {COUNTER_MAX}"
#: In what is returned: an attempt that had begun has a token.
STATE_BEFORE = f"CASE WHEN token = '' THEN '{JobState.QUEUED}' ELSE '{JobState.ACTIVE}' END"
CRASHED_TOO_OFTEN = f"{IS_ACTIVE} AND crashes + 1 >= %(most_crashes)s"
#: A clone has one attempt (P4): whether there is another one, its home decides. A step of a run
#: that was sent here whole is tried again here (P15).
CLONE_BEGAN = f"{IS_ACTIVE} AND home IS NOT NULL AND run_id IS NULL"

#: The attempt may have acted, and its queue or its consumer lets nothing run again by itself (E4a).
#: What a peer holds may have begun unheard. Of a clone, its home's queue decides.
NOT_AGAIN = (
    f"(({IS_ACTIVE}) OR peer IS NOT NULL) AND (NOT reruns OR ((home IS NULL OR run_id IS NOT NULL) "
    f"AND EXISTS (SELECT 1 FROM {QUEUE} q WHERE q.name = {JOB}.queue AND NOT q.rerun)))"
)
NOT_AGAIN_NOTE = (
    "{error}. It may have done part of its work, and does not run again by itself: rerun is off"
)

#: By job: the instance that its ended attempt ran on, and the seconds that it ran.
Ended: TypeAlias = "dict[str, tuple[str, float | None]]"


def return_to_pending(
    jobs: Selector,
    *,
    cause: Cause,
    error: str = "",
    error_type: str = "",
    also: Assignments = NOTHING,
    crash: bool = False,
    own: bool = False,
) -> list[StateChange]:
    """Put the bound jobs among these back; return the changes.

    Attempts that had begun are recorded with their cause and error, and lose their token, so that
    none of them mistakes a later end for its own (R9). ``crash`` counts them as crashes, up to the
    limit, and holds the jobs as suspects. ``own`` says that the attempt itself writes this end: if
    the job becomes STOPPED, the token stays, so that the attempt recognises its end. ``also`` sets
    further columns. ``error_type`` is for the event alone.
    """
    with database.atomic():
        ended = _record(jobs, cause, error)
        lost = not own and cause in LOSS_CAUSES
        counted = {"most_crashes": settings().crashes, "error": error} if crash else {}
        note = {"over": NOT_AGAIN_NOTE.format(error=error or cause)} if lost else {}
        found = database.rows(
            _statement(jobs.condition, also.sql, crash=crash, own=own, lost=lost),
            named(jobs.params, also.params, counted, note),
        )
        changes = [
            _with_facts(state_change(row, old, cause, error_type), ended) for *row, old in found
        ]
        send_on_commit(changes)
    return changes


def _with_facts(change: StateChange, ended: Ended) -> StateChange:
    """Return a change with the facts that the row has lost and the attempt's record has."""
    if change.job_id not in ended:
        return change
    instance, ran = ended[change.job_id]
    return replace(change, instance=instance or None, ran=ran)


def _record(jobs: Selector, cause: str, error: str) -> Ended:
    found = database.rows(_recording(jobs.condition), jobs.given(cause=cause, error=error))
    return {job_id: (instance, seconds) for job_id, instance, seconds in found}


@once_per_dialect
def _recording(where: str) -> str:
    ran = database.seconds_between("started_at", "ended_at")
    return (
        f"INSERT INTO {Attempt._meta.db_table} "
        "(job_id, epoch, instance, incarnation, started_at, ended_at, cause, error) "
        f"SELECT id, epoch, instance, incarnation, started_at, {database.now()}, "
        f"%(cause)s, %(error)s FROM {JOB} WHERE {where} AND {ACTIVE} "
        f"{database.FOR_UPDATE[database.vendor()]} ON CONFLICT DO NOTHING "
        f"RETURNING job_id, instance, {ran}"
    )


@once_per_dialect
def _statement(where: str, also: str, *, crash: bool, own: bool, lost: bool) -> str:
    now = database.now()
    last = f"{CRASHED_TOO_OFTEN} OR {CLONE_BEGAN}" if crash else CLONE_BEGAN
    kept = f"token = '' OR stop_requested OR ({CLONE_BEGAN})" if own else "token = ''"
    over = NOT_AGAIN if lost else "false"
    final = f"stop_requested OR {last} OR ({over})"
    ran = f"({final}) AND {IS_ACTIVE}"
    counted = (
        f", crashes = crashes + CASE WHEN {COUNTS_CRASH} THEN 1 ELSE 0 END, "
        f"hold = CASE WHEN {IS_ACTIVE} THEN 'suspect' ELSE hold END"
        if crash
        else ""
    )
    return (
        f"UPDATE {JOB} SET "
        f"state = CASE WHEN stop_requested THEN '{JobState.STOPPED}' "
        f"WHEN {over} THEN '{JobState.ERROR}' WHEN {last} THEN '{JobState.GIVEN_UP}' "
        f"ELSE '{JobState.PENDING}' END, "
        f"finished_at = CASE WHEN {final} THEN {now} END, aftermath_due = ({final}), "
        f"token = CASE WHEN {kept} THEN token ELSE 'lost' END, "
        # A final row keeps where and since when its last attempt ran.
        f"instance = CASE WHEN {ran} THEN instance ELSE '' END, incarnation = '', "
        f"peer = CASE WHEN {ran} THEN peer END, "
        f"bound_at = NULL, started_at = CASE WHEN {ran} THEN started_at END, handed_until = NULL, "
        f"publishes = 0, progress = NULL{counted}{_error(crash=crash, lost=lost)}{also} "
        f"WHERE {where} AND {BOUND} "
        f"RETURNING {change_columns()}, {STATE_BEFORE}"
    )


def _error(*, crash: bool, lost: bool) -> str:
    """Return SQL to append to the assignments: why the attempt ended, or why it is the last."""
    over = f"WHEN {NOT_AGAIN} THEN %(over)s " if lost else ""
    began = f"WHEN {IS_ACTIVE} THEN %(error)s " if crash else ""
    return f", error = CASE {over}{began}ELSE error END" if over or began else ""


def undo_claim(key: AttemptKey) -> list[StateChange]:
    """Put a job back whose claim began nothing; no attempt is recorded, or counted."""
    claim = selectors.attempt(key)
    with database.atomic():
        also = assignments.NOT_BEGUN.sql
        sql = _statement(claim.condition, also, crash=False, own=False, lost=False)
        found = database.rows(sql, claim.params)
        changes = [state_change(row, old, Cause.REQUEUED) for *row, old in found]
        send_on_commit(changes)
    return changes


def recall(jobs: Selector, *, cause: Cause) -> list[StateChange]:
    """Take back the jobs among these that are bound and have not begun.

    Those at a peer are withdrawn: they may have begun already, and come back by its report (P7).
    """
    unstarted = jobs.where(IS_QUEUED)
    if peers():
        withdrawals.withdraw(unstarted, stops_runs=False)
    return return_to_pending(unstarted.where(selectors.NOT_AT_PEER), cause=cause)


def reassign(binding: Key, *, reason: str) -> list[StateChange]:
    """Take a bound job back so that another incarnation begins it (B8); return the changes.

    The former one is skipped for some seconds. That is no refusal: nothing is counted against its
    consumer, or against the job.
    """
    bound = selectors.one(binding)
    with database.atomic():
        _exclude(bound, seconds=RECALL_EXCLUSION_SECONDS, reason=reason)
        return recall(bound, cause=Cause.REQUEUED)


def _exclude(bound: Selector, *, seconds: str, reason: str) -> None:
    database.execute(
        f"INSERT INTO {Exclusion._meta.db_table} (job_id, incarnation, reason, until) "
        f"SELECT id, incarnation, %(reason)s, {database.later(seconds)} "
        f"FROM {JOB} WHERE {bound.condition} AND {IS_QUEUED} "
        "ON CONFLICT (job_id, incarnation) "
        "DO UPDATE SET until = excluded.until, reason = excluded.reason",
        bound.given(reason=reason[:255]),
    )


def recall_from(instance: str, topics: Sequence[str], *, cause: Cause) -> list[StateChange]:
    """Take back the unstarted jobs of these topics from an instance."""
    return recall(selectors.of_topics(instance, topics), cause=cause) if topics else []


def refuse(binding: Key, *, reason: str) -> int | None:
    """Put a bound job back and exclude the incarnation that refused it for a while.

    Return how often the job was refused, or None if it is no longer bound there. The exclusion
    grows with each refusal, from 5 seconds to 5 minutes.
    """
    bound = selectors.one(binding)
    with database.atomic():
        _exclude(bound, seconds=EXCLUSION_SECONDS, reason=reason)
        changed = return_to_pending(
            bound.where(IS_QUEUED), cause=Cause.REFUSED, also=assignments.REFUSED
        )
        if not changed:
            return None
        [[count]] = database.rows(
            f"SELECT refusals FROM {JOB} WHERE id = %(job_id)s", {"job_id": binding[0]}
        )
        return int(count)


def release_drained(queue: str) -> int:
    """Release the jobs of a queue that wait because it drained; return how many."""
    return database.execute(
        f"UPDATE {JOB} SET hold = '' WHERE {PENDING} AND hold = 'drain' AND queue = %(queue)s",
        {"queue": queue},
    )


def release_due() -> int:
    """Release delayed jobs that are due, so that they can be bound."""
    due = f"{TIMED} AND run_at <= {database.now()}"
    if not database.rows(f"SELECT 1 FROM {JOB} WHERE {due} LIMIT 1"):
        return 0
    return database.execute(
        f"UPDATE {JOB} SET run_at = NULL "
        f"WHERE id IN (SELECT id FROM {JOB} WHERE {due} LIMIT 500) AND {PENDING}"
    )
