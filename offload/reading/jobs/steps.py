"""The steps of a run: those that are jobs already, and those that wait for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, Q, When

from offload.canvas.freezing.walk import walk
from offload.core.states import FINAL, JobState
from offload.core.workflows.plans import StepState
from offload.messaging.names import TOPIC_OPTION
from offload.models import Job, Join
from offload.models.fields import JsonText
from offload.models.indexes import ENDED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from offload.canvas.freezing.walk import Node
    from offload.core.workflows.graphs import Graph
    from offload.core.workflows.plans import Plan

#: Maximum number of steps shown.
STEPS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a job, or a signature that becomes one."""

    topic: str
    id: str = ""
    #: None if it has no row yet, because it waits for earlier steps.
    state: JobState | None = None
    instance: str = ""
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: Whether it is the job that the page is about.
    is_this: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of a job's run, or the successors of a job without a run."""

    shown: tuple[Step, ...]
    #: Whether there are more steps.
    has_more: bool


def of(job: Job) -> Steps:
    """Return the jobs of its run, or its successors, then the steps that wait for them."""
    rows = _rows(job)
    made = tuple(_made(row, job) for row in rows[:STEPS_SHOWN])
    return Steps(shown=(*made, *_waiting(job, rows)), has_more=len(rows) > STEPS_SHOWN)


def _rows(job: Job) -> list[Any]:
    """Return the jobs of its run, or its successors; with their tails unless they have ended."""
    family = Q(run=job.run_id) if job.run_id else Q(pk=job.pk) | Q(parent_id=job.pk)
    tail = Case(When(~ENDED.q, then=F("tail")), output_field=JsonText(null=True))
    light = Job.objects.filter(family).annotate(open_tail=tail).order_by("created_at", "pk")
    return list(
        light.only("topic", "state", "instance", "attempts", "started_at", "finished_at")[
            : STEPS_SHOWN + 1
        ]
    )


def _made(row: Any, job: Job) -> Step:
    return Step(
        topic=row.topic,
        id=row.pk,
        state=JobState(row.state),
        instance=row.instance,
        attempts=row.attempts,
        started_at=row.started_at,
        finished_at=row.finished_at,
        is_this=row.pk == job.pk,
    )


def _waiting(job: Job, rows: Sequence[Any]) -> tuple[Step, ...]:
    if job.run is not None and job.run.led is not None:
        return _planned(*job.run.led)
    if all(row.state in FINAL for row in rows):
        return ()
    known = {row.pk for row in rows}
    tails = [row.open_tail for row in rows if row.open_tail]
    members = Job.objects.filter(run=job.run_id).values("pk") if job.run_id else [job.pk]
    open_joins = Join.objects.filter(fired=False, dependencies__needs__in=members).distinct()
    return waiting(tails, [row.body for row in open_joins[:STEPS_SHOWN]], known)


def _planned(graph: Graph, plan: Plan) -> tuple[Step, ...]:
    """Return the steps of a run's plan that wait for others."""
    waits = [one for one in graph.steps if plan[one.name].state is StepState.WAITING]
    return tuple(Step(topic=one.topic) for one in waits)


def waiting(
    tails: Iterable[Mapping[str, Any]],
    bodies: Iterable[Mapping[str, Any]],
    known: Collection[str],
) -> tuple[Step, ...]:
    """Return the steps that have no row yet, each once, in their order.

    `tails` are those of unfinished jobs, `bodies` those of joins that have not fired, and `known`
    are the ids that have rows.
    """
    behind = [*map(_following, tails), *bodies]
    tasks = [node for node in walk(behind) if node.signature.get("task")]
    steps = {step.id or step.topic: step for step in map(_step, tasks)}
    return tuple(step for step in steps.values() if step.id not in known)


def _following(tail: object) -> list[object]:
    hanging = tail if isinstance(tail, Mapping) else {}
    chain = hanging.get("chain")
    # Celery keeps the rest of a chain with its next step last.
    behind = chain[::-1] if isinstance(chain, list) else chain
    return [hanging.get("link"), behind, hanging.get("chord")]


def _step(node: Node) -> Step:
    topic = node.options.get(TOPIC_OPTION) or node.signature["task"]
    return Step(topic=str(topic), id=node.id)
