"""Beginning a step: its job is submitted, or why it is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import signature
from django.db import DatabaseError

from offload.canvas.batches import gathering
from offload.core.texts import as_text
from offload.core.workflows import plans
from offload.core.workflows.plans import MEMBERS_MAX, Entry, StepState
from offload.dispatch.submission import new_id
from offload.messaging.installation import celery_app
from offload.messaging.names import AFFINITY_OPTION, INPUTS_OPTION, STEP_OPTION

if TYPE_CHECKING:
    from offload.core.placement.affinity import Affinity
    from offload.core.workflows.conditions import Facts
    from offload.core.workflows.graphs import StepSpec
    from offload.core.workflows.plans import Plan
    from offload.runs.affinities import Affinities

logger = logging.getLogger("offload.runs")


def unwanted(spec: StepSpec, facts: Facts) -> Entry | None:
    """Return how a step ends whose condition does not hold; None if it does."""
    problem = spec.when.problem(facts) if spec.when else ""
    return Entry(state=StepState.SKIPPED, note=problem) if problem else None


def begin(plan: Plan, spec: StepSpec, facts: Facts, kept: Affinities, *, strict: bool) -> Plan:
    """Submit a step's job, or its jobs, kept to these instances; return the plan then.

    A step that cannot be submitted has failed; if ``strict``, the error is raised instead.
    """
    graph = kept.run.graph
    if spec.each is None:
        taken = () if spec.takes is None else (plans.shaped(spec.takes, facts.values),)
        kept_to = kept.next(plan, spec, 0)
        entry = _submitted(spec, spec.name, taken, kept_to, strict=strict)
        return plans.after(graph, plan, spec.name, entry)
    found = spec.each.value(facts)
    problem = _no_list(found)
    if problem:
        note = f"{spec.each.place} {problem}"
        return plans.after(graph, plan, spec.name, Entry(state=StepState.FAILED, note=note))
    return _begin_each(plan, spec, [(one,) for one in found], kept, strict=strict)


def _no_list(found: Any) -> str:
    if not isinstance(found, list | tuple):
        return f"is no list, but {type(found).__name__}"
    too_many = len(found) > MEMBERS_MAX
    return f"has {len(found)} elements; {MEMBERS_MAX} are allowed" if too_many else ""


def _begin_each(
    plan: Plan, spec: StepSpec, calls: list[tuple[Any, ...]], kept: Affinities, *, strict: bool
) -> Plan:
    graph = kept.run.graph
    if not calls:
        done = Entry(state=StepState.SUCCEEDED, members=0, note="the list is empty")
        return plans.after(graph, plan, spec.name, done)
    whole = Entry(state=StepState.RUNNING, members=len(calls))
    names = [plans.member(spec.name, number) for number in range(len(calls))]
    found = {**plan, spec.name: whole, **{one: plan.get(one, Entry()) for one in names}}
    for number, (name, args) in enumerate(zip(names, calls, strict=True)):
        if found[name].state is not StepState.SUCCEEDED:
            kept_to = kept.next(plan, spec, number)
            entry = _submitted(spec, name, args, kept_to, strict=strict)
            found = {**plans.after(graph, found, name, entry)}
    return plans.after(graph, found, names[0], found[names[0]])


def _submitted(
    spec: StepSpec, name: str, args: tuple[Any, ...], kept_to: Affinity | None, *, strict: bool
) -> Entry:
    job_id = new_id()
    options: dict[str, Any] = {STEP_OPTION: name}
    if spec.inputs:
        options[INPUTS_OPTION] = [*spec.inputs]
    if kept_to is not None:
        options[AFFINITY_OPTION] = str(kept_to)
    call = signature(dict(spec.signature), app=celery_app())
    try:
        with gathering() as batch, batch.whole():
            call.apply_async(args, task_id=job_id, **options)
    except DatabaseError:
        raise
    except Exception as error:
        if strict:
            raise
        logger.exception("step %s cannot be submitted", name)
        return Entry(state=StepState.FAILED, note=f"it cannot be submitted: {as_text(error)}")
    return Entry(state=StepState.RUNNING, job=job_id)
