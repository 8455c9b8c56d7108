"""Beginning several attempts in one transaction, and undoing what began nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.db import conflicts, database
from offload.jobs import aftermath, claims
from offload.results import group_results, task_results
from offload.tracking import claiming, requeue
from offload.tracking.groups import group_claims
from offload.tracking.groups.group_claims import AfterLoss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.jobs.claims import MessageFacts
    from offload.tracking.selectors import Holder


@conflicts.retried
def begin_all(
    asked: Mapping[AttemptKey, MessageFacts], holder: Holder
) -> dict[AttemptKey, Sequence[Any]]:
    """Claim the jobs of several messages at one instance, with STARTED as their results (R2, R13).

    Return the row of each that may begin; a claim whose reply was lost is recognised by its token.
    """
    started = [
        (key, task_results.columns_of(claims.started(key, facts)))
        for key, facts in asked.items()
        if claims.stores_started(facts)
    ]
    found = group_claims.claim_all(
        # In one order, so that no two groups wait for each other.
        {key: _wishes(asked[key]) for key in sorted(asked, key=lambda one: one.job_id)},
        holder,
        group_results.upsert_all(started),
    )
    rows = {key: found.get(key.job_id) or claiming.row_of(key) for key in asked}
    return {key: row for key, row in rows.items() if row is not None}


def _wishes(facts: MessageFacts) -> AfterLoss:
    return AfterLoss(facts.reruns, facts.rescue)


def undo(key: AttemptKey) -> None:
    """Give a job back whose claim began nothing (R14); a job that was asked to stop ends."""
    with database.atomic():
        changes = requeue.undo_claim(key)
        task_results.mark_retry([one.job_id for one in changes if one.new == JobState.PENDING])
    aftermath.conclude_all([one.job_id for one in changes if JobState(one.new).is_final])
