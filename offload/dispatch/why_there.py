"""Why a job that failed ran where it did: written down with its end, as the fleet then is."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from django.db import DatabaseError

from offload.core.placement.cluster_order import score
from offload.core.placement.lanes import Lane
from offload.core.placement.planning import plan
from offload.core.texts import listed
from offload.db import database
from offload.fleet.snapshots import now, snapshot
from offload.models import Job, PlacementRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.placement.planning import Plan

logger = logging.getLogger("offload.why_there")

# Names in a sentence, and other instances whose obstacle is told.
NAMED_MAX, TOLD_MAX = 5, 5


def note(job_id: str) -> None:
    """Write down after the commit why a failed job ran where it did.

    It explains and decides nothing, so that a failure to write it is logged and no more.
    """
    database.on_commit(partial(_try_to_write, job_id))


def _try_to_write(job_id: str) -> None:
    try:
        _write(job_id)
    except DatabaseError as error:
        logger.warning("why job %s ran where it did was not written down: %s", job_id, error)


def _write(job_id: str) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not (instance := _place(job)):
        return
    current = snapshot()
    text = why_there(instance, plan(current.need(Lane.parse(job.lane)), current.topology, now()))
    record = PlacementRecord(job=job, epoch=job.epoch, instance=instance, text=text)
    PlacementRecord.objects.bulk_create([record], ignore_conflicts=True)


def _place(job: Job) -> str:
    """Return the instance of a job's last attempt; empty if it never had one."""
    if job.instance or not job.epoch:
        return str(job.instance)
    last = job.ended_attempts.last()
    return str(last.instance) if last else ""


def why_there(instance: str, planned: Plan) -> str:
    """Return why a job of the plan's need may run at an instance, and who else could."""
    return " ".join(_lines(instance, planned))


def _lines(instance: str, planned: Plan) -> Iterator[str]:
    need = planned.need
    mine = next((one for one in planned.candidates if one.instance.name == instance), None)
    if mine is not None:
        yield f"{instance} consumes {mine.consumer.pattern.text} by {mine.consumer.task}."
        if need.requires:
            yield f"It has what is required: {need.requires}."
        if need.prefers:
            yield f"Its score is {score(need.prefers, mine.instance):g}."
    else:
        reasons = [one.reason for one in planned.verdicts if one.instance == instance]
        why = reasons[0].detail if reasons and reasons[0] else "It is not known any more."
        yield f"When the job had ended, {instance} could not run it any more: {why}"
    able = [one.instance.name for one in planned.candidates]
    if able:
        count = f"{len(able)} of {len(planned.instances)} known instances could run it"
        yield f"{count}: {listed(able, NAMED_MAX)}."
    others = [one.reason for one in planned.verdicts if one.instance != instance]
    yield from [one.detail for one in others if one is not None][:TOLD_MAX]
