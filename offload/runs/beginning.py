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
from offload.messaging.names import INPUTS_OPTION, STEP_OPTION

if TYPE_CHECKING:
    from offload.core.workflows.conditions import Facts
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.plans import Plan

logger = logging.getLogger("offload.runs")


def unwanted(spec: StepSpec, facts: Facts) -> Entry | None:
    """Return how a step ends whose condition does not hold; None if it does."""
    problem = spec.when.problem(facts) if spec.when else ""
    return Entry(state=StepState.SKIPPED, note=problem) if problem else None


def begin(graph: Graph, plan: Plan, spec: StepSpec, facts: Facts, *, strict: bool) -> Plan:
    """Submit a step's job, or its jobs; return the plan then.

    A step that cannot be submitted has failed; if ``strict``, the error is raised instead.
    """
    if spec.each is None:
        taken = () if spec.takes is None else (plans.shaped(spec.takes, facts.values),)
        entry = _submitted(spec, spec.name, taken, strict=strict)
        return plans.after(graph, plan, spec.name, entry)
    found = spec.each.value(facts)
    problem = _no_list(found)
    if problem:
        note = f"{spec.each.place} {problem}"
        return plans.after(graph, plan, spec.name, Entry(state=StepState.FAILED, note=note))
    return _begin_each(graph, plan, spec, [(one,) for one in found], strict=strict)


def _no_list(found: Any) -> str:
    if not isinstance(found, list | tuple):
        return f"is no list, but {type(found).__name__}"
    too_many = len(found) > MEMBERS_MAX
    return f"has {len(found)} elements; {MEMBERS_MAX} are allowed" if too_many else ""


def _begin_each(
    graph: Graph, plan: Plan, spec: StepSpec, calls: list[tuple[Any, ...]], *, strict: bool
) -> Plan:
    if not calls:
        done = Entry(state=StepState.SUCCEEDED, members=0, note="the list is empty")
        return plans.after(graph, plan, spec.name, done)
    whole = Entry(state=StepState.RUNNING, members=len(calls))
    names = [plans.member(spec.name, number) for number in range(len(calls))]
    found = {**plan, spec.name: whole, **{one: plan.get(one, Entry()) for one in names}}
    for name, args in zip(names, calls, strict=True):
        if found[name].state is not StepState.SUCCEEDED:
            entry = _submitted(spec, name, args, strict=strict)
            found = {**plans.after(graph, found, name, entry)}
    return plans.after(graph, found, names[0], found[names[0]])


def _submitted(spec: StepSpec, name: str, args: tuple[Any, ...], *, strict: bool) -> Entry:
    job_id = new_id()
    options: dict[str, Any] = {STEP_OPTION: name}
    if spec.inputs:
        options[INPUTS_OPTION] = [*spec.inputs]
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
