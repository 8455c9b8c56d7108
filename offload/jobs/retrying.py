"""Retrying ended jobs: each retry is a new job, because a final state is final (E3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.exceptions import NotRetriable, UnknownJob
from offload.core.placement.lanes import Lane
from offload.core.validation.ids import JobId, id_of
from offload.db import database
from offload.db.conflicts import retried
from offload.dispatch import subscribing
from offload.dispatch.announcements import announced
from offload.dispatch.submission import new_id, store
from offload.jobs import obstacles
from offload.messaging.installation import installed
from offload.models import Job, Kind
from offload.tracking.drafts import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: Options of the old job alone: who waits for it, and the step that it is in its run.
NOT_REPEATED = ("reply_to", "step")


@retried
def retry_one(job: JobId) -> str:
    """Submit a finished job's topic, properties and files again; return the new job's id.

    The successors of the old job (callbacks, the rest of its chain) are not repeated. Raise
    UnknownJob if it does not exist, NotRetriable if it has not ended, is a plain Celery task, or
    is a clone: its home alone retries (P4).
    """
    job_id = Job.objects.key(id_of(job))
    row = Job.objects.filter(pk=job_id).first()
    if row is None:
        raise UnknownJob(job_id=job_id)
    if row.kind != Kind.JOB or row.is_clone or not row.is_finished:
        problem = obstacles.to_retrying(row)
        raise NotRetriable(job_id=job_id, state=row.state, problem=problem)
    draft = _draft(row, subscribing.reply_options())
    store([draft])
    return draft.id


@retried
def retry_all(ids: Sequence[str], *, again: bool = False) -> list[tuple[Job, str]]:
    """Submit the ended jobs among these again; return each with the new job's id.

    Jobs that were retried before are skipped, unless ``again``. The rows are locked, so that of two
    simultaneous requests only one retries.
    """
    with database.atomic():
        ended = Job.objects.ids(ids).ended().without_values().filter(kind=Kind.JOB, home=None)
        list(ended.order_by("pk").select_for_update().values_list("pk"))
        found = list((ended if again else ended.retriable()).order_by("created_at", "pk"))
        reply = subscribing.reply_options() if found else {}
        with announced(installed(), [_draft(job, reply) for job in found]) as drafts:
            store(drafts)
    return [(job, draft.id) for job, draft in zip(found, drafts, strict=True)]


def _draft(job: Job, reply: Mapping[str, Any]) -> Draft:
    return Draft(
        id=new_id(),
        topic=job.topic,
        task=job.task,
        queue=job.queue,
        needs=job.needs,
        key=job.key or None,
        requires=Lane.parse(job.lane).requires,
        prefers=Lane.parse(job.lane).prefers,
        resources=Lane.parse(job.lane).resources,
        slots=Lane.parse(job.lane).slots,
        args=job.args,
        properties=job.properties,
        options=_options(job, reply),
        priority=job.priority,
        run_id=job.run_id,
        payload_id=job.payload_id,
        retry_of=job.pk,
    )


def _options(job: Job, reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the frozen options; results go to the process that retries."""
    kept = {name: value for name, value in job.options.items() if name not in NOT_REPEATED}
    return kept if kept.get("ignore_result") else {**kept, **reply}
