"""A second send of an id that is known: the job that is over makes way for a new one."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from offload.canvas.failing import nodes_of
from offload.canvas.freezing.context import running
from offload.canvas.freezing.signatures import EPOCH_OPTION, many
from offload.core.exceptions import JobUnfinished
from offload.core.states import FINAL, Hold
from offload.db import database
from offload.dispatch import submission
from offload.files import deletion
from offload.models import Job
from offload.results import task_results

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from celery import Celery

    from offload.tracking.drafts import Draft

logger = logging.getLogger("offload.canvas")

#: Seconds that what follows an end has to be done in, before a second send is refused.
AFTERMATH_TIMEOUT_SECONDS = 1.0


def send_again(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> None:
    """Store drafts whose ids are known, in place of the jobs that had them and are over.

    Those of all that follows by a frozen id, the ``bodies`` of chords included, make way too.
    What is not over stays: raise JobUnfinished, or in a job, whose attempt may repeat what an
    earlier one sent, let that be known in the log.
    """
    open_ = _replace(drafts, bodies)
    if open_ is None:
        return
    if running.get() is None:
        raise JobUnfinished(job_id=open_.pk, state=open_.state)
    _say(open_)


def follow_again(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> None:
    """Store what follows an end under ids that an earlier canvas was frozen with, too.

    What followed the same end before, what ended while it waited to be filled, and what was cut
    off is this canvas' own, and stays.
    """
    found = Job.objects.filter(pk__in=[draft.id for draft in drafts], hold=Hold.NONE)
    parents = dict(found.values_list("pk", "parent_id"))
    others = [one for one in drafts if parents.get(one.id, one.parent_id) != one.parent_id]
    open_ = _replace(others, bodies) if others else None
    if open_ is not None:
        _say(open_)


def leave(drafts: Sequence[Draft]) -> None:
    """Let the log say of drafts whose ids are known that they were not stored."""
    for row in Job.objects.ids(draft.id for draft in drafts):
        _say(row)


def _replace(drafts: Sequence[Draft], bodies: Sequence[Mapping[str, Any]]) -> Job | None:
    """Store drafts in place of what has their ids (E3); or return a job of those that is open."""
    behind = [*(one for draft in drafts for one in _behind(draft)), *bodies]
    ids = [draft.id for draft in drafts] + [_id_of(node) for node in _nodes(behind)]
    _wait(ids)
    with database.atomic():
        rows = list(Job.objects.filter(pk__in=ids).order_by("pk").select_for_update())
        open_ = next((row for row in rows if not _is_over(row)), None)
        if open_ is not None:
            return open_
        epochs = {row.pk: row.epoch for row in rows}
        deletion.forget(list(epochs))
        task_results.forget(list(epochs))
        for node in _nodes(behind):
            node["options"][EPOCH_OPTION] = epochs.get(_id_of(node), 0)
        submission.store([replace(one, epoch=epochs.get(one.id, 0)) for one in drafts])
    return None


def is_own(app: Celery) -> bool:
    """Return whether what is sent here is sent by somebody's own will.

    In a plain Celery task it may be what follows that task, which Celery's own code sends again
    when a message comes twice.
    """
    return running.get() is not None or app.current_worker_task is None


def _behind(draft: Draft) -> list[Any]:
    """Return the signatures that wait behind a draft; a plain task has them in its options."""
    return many((draft.tail or draft.options).get("chain"))


def _nodes(signatures: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    return (node for node, _ in nodes_of(*signatures))


def _id_of(node: Mapping[str, Any]) -> str:
    return str(node["options"]["task_id"])


def _is_over(row: Job) -> bool:
    """Return whether a job is final, and all that follows it is stored."""
    return row.is_finished and not (row.aftermath_due and row.has_tail)


def _wait(ids: Sequence[str]) -> None:
    """Give the ends of jobs a moment: who has a result has it before its end is wrapped up."""
    due = Job.objects.filter(pk__in=ids, state__in=FINAL, aftermath_due=True)
    deadline = monotonic() + AFTERMATH_TIMEOUT_SECONDS
    while not database.in_transaction() and due.exists() and monotonic() < deadline:
        sleep(0.01)


def _say(row: Job) -> None:
    logger.warning("job %s is %s: sending it again did nothing", row.pk, row.state)
