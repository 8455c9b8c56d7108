"""Sending an id a second time: a new job replaces the one that has ended."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.context import running
from offload.canvas.freezing.signatures import EPOCH_OPTION
from offload.canvas.freezing.walk import frozen, many
from offload.core.exceptions import JobUnfinished
from offload.core.states import Hold
from offload.db import database
from offload.dispatch import submission
from offload.files import deletion
from offload.models import Job
from offload.results import task_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery

    from offload.tracking.drafts import Draft

logger = logging.getLogger("offload.canvas")

#: Seconds to wait until a job's successors are stored, before a second send is refused.
AFTERMATH_TIMEOUT_SECONDS = 1.0


def send_again(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> None:
    """Store drafts whose ids are known, in place of the ended jobs that had them.

    Jobs with the ids of their frozen successors, the ``bodies`` of chords included, are replaced
    too. A job that has not ended stays: raise JobUnfinished; inside a job, whose attempt may repeat
    what an earlier one sent, only log it.
    """
    open_ = _replace(drafts, bodies)
    if open_ is None:
        return
    if running.get() is None:
        raise JobUnfinished(job_id=open_.pk, state=open_.state)
    _log_ended(open_)


def follow_again(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> None:
    """Store what follows an end under ids that an earlier canvas was frozen with, too.

    Jobs that already follow the same end, that ended to be replaced or that were cut off belong
    to this canvas and stay as they are.
    """
    found = Job.objects.filter(pk__in=[draft.id for draft in drafts], hold=Hold.NONE)
    parents = dict(found.values_list("pk", "parent_id"))
    others = [one for one in drafts if parents.get(one.id, one.parent_id) != one.parent_id]
    open_ = _replace(others, bodies) if others else None
    if open_ is not None:
        _log_ended(open_)


def leave(drafts: Sequence[Draft]) -> None:
    """Let the log say of drafts whose ids are known that they were not stored."""
    for row in Job.objects.ids(draft.id for draft in drafts):
        _log_ended(row)


def _replace(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> Job | None:
    """Store drafts in place of what has their ids (E3); or return a job of those that is open."""
    behind = [*(one for draft in drafts for one in _behind(draft)), *bodies]
    ids = [draft.id for draft in drafts] + [node.id for node in frozen(behind)]
    _wait(ids)
    with database.atomic():
        rows = list(Job.objects.filter(pk__in=ids).order_by("pk").select_for_update())
        open_ = next((row for row in rows if not _is_over(row)), None)
        if open_ is not None:
            return open_
        epochs = {row.pk: row.epoch for row in rows}
        deletion.forget(list(epochs))
        task_results.forget(list(epochs))
        for node in frozen(behind):
            node.signature["options"][EPOCH_OPTION] = epochs.get(node.id, 0)
        submission.store([replace(one, epoch=epochs.get(one.id, 0)) for one in drafts])
    return None


def is_own(app: Celery) -> bool:
    """Return whether a person's own code sends this.

    In a plain Celery task it may be what follows that task, which Celery's own code sends again
    when a message comes twice.
    """
    return running.get() is not None or app.current_worker_task is None


def _behind(draft: Draft) -> list[Any]:
    """Return the signatures that wait behind a draft; a plain task has them in its options."""
    return many((draft.tail or draft.options).get("chain"))


def _is_over(row: Job) -> bool:
    """Return whether a job is final, and all that follows it is stored."""
    return row.is_finished and not (row.aftermath_due and row.has_tail)


def _wait(ids: Sequence[str]) -> None:
    """Give the ends of jobs a moment: who has a result has it before its end is wrapped up."""
    due = Job.objects.ids(ids).ended().filter(aftermath_due=True)
    deadline = monotonic() + AFTERMATH_TIMEOUT_SECONDS
    while not database.in_transaction() and due.exists() and monotonic() < deadline:
        sleep(0.01)


def _log_ended(row: Job) -> None:
    logger.warning("job %s is %s: sending it again did nothing", row.pk, row.state)
