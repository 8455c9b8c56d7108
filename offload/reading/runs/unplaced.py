"""Runs with a placement whose waiting jobs no instance can take now, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.routing import plan
from offload.core.workflows.placements import Placement
from offload.db import database
from offload.db.statements import numbered, placeholders
from offload.fleet.snapshots import now, snapshot
from offload.models import Job, Run
from offload.models.indexes import WAITING
from offload.reading.waiting import verdicts
from offload.runs import placing
from offload.tracking.queries import waiting_lanes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.lanes import Lane

#: Runs that are looked at, the oldest first.
MOST = 20
JOB, RUN = Job._meta.db_table, Run._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Runs that no instance can go on with, for the same reason."""

    placement: Placement
    #: The instance that they are placed at; "" for none.
    instance: str
    why: str
    #: The step that lets the nearest instance run their waiting step; "" if nothing is known.
    next_step: str
    #: Their ids, the oldest first.
    runs: tuple[str, ...]
    workflow: str


def unplaced() -> tuple[Unplaced, ...]:
    """Return the runs that find no place, by what keeps them; of many, the oldest are looked at."""
    hopeless = [one for one in waiting_lanes() if not _verdicts(one)[0]]
    lanes = _runs_in(hopeless) if hopeless else {}
    found: dict[tuple[str, ...], list[Run]] = {}
    for row in Run.objects.filter(pk__in=sorted(lanes)[:MOST]).order_by("pk"):
        reasons = _why(row, lanes[row.pk])
        if reasons is not None:
            found.setdefault((row.placement, row.instance, *reasons), []).append(row)
    return tuple(_of(key, rows) for key, rows in found.items())


def _of(key: Sequence[str], rows: Sequence[Run]) -> Unplaced:
    placement, instance, why, next_step = key
    return Unplaced(
        placement=Placement(placement),
        instance=instance,
        why=why,
        next_step=next_step,
        runs=tuple(one.pk for one in rows),
        workflow=rows[0].workflow,
    )


def _runs_in(lanes: Sequence[Lane]) -> dict[str, Lane]:
    """Return the runs with a placement that have jobs waiting in these lanes, and which lane."""
    named = numbered("lane", [str(one) for one in lanes])
    found = database.rows(question(placeholders(named)), {**named, "most": 10 * MOST})
    known = {str(one): one for one in lanes}
    return {run: known[lane] for run, lane in found}


def question(lanes: str) -> str:
    """Return the statement that finds them, with placeholders for lanes."""
    placed = f"SELECT 1 FROM {RUN} r WHERE r.id = {JOB}.run_id AND r.placement <> ''"
    return (
        f"SELECT DISTINCT run_id, lane FROM {JOB} WHERE {WAITING} AND lane IN ({lanes}) "
        f"AND EXISTS ({placed}) LIMIT %(most)s"
    )


def _verdicts(lane: Lane) -> tuple[bool, str, str]:
    """Return whether an instance can take jobs of a lane, and else why not, and the next step."""
    current = snapshot()
    planned = plan(current.need(lane), current.topology, now())
    judged = verdicts.judged(planned.verdicts, {})
    topic = lane.topic
    why = verdicts.details(judged) or f"No instance has a consumer for {topic}."
    return bool(planned.candidates), why, verdicts.next_step(topic, judged)


def _why(row: Run, lane: Lane) -> tuple[str, str] | None:
    """Return why a run has no place, and the next step; None if it has one in a moment."""
    if row.placement not in placing.PLACED or row.led is None:
        return _verdicts(lane)[1:]
    found = placing.able(row, *row.led)
    return None if found.candidates else (found.problem, "")
