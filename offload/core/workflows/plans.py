"""Plans: how far each step of a run is, and what may begin now."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.states import FAILED, JobState
from offload.core.texts import counted
from offload.core.workflows.graphs import Graph, OnError, leaves
from offload.core.workflows.run_states import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.workflows.graphs import StepSpec

#: Errors of values that are no graph, or no plan.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
#: Most jobs of one step.
MEMBERS_MAX = 1000
#: Characters of a note that are kept.
NOTE_MAX = 300


class StepState(enum.StrEnum):
    """The state of a step in a run."""

    # It waits: for other steps, for a person, an event or a time, or because the run is paused.
    WAITING = "WAITING"
    # It has a job, or several, that have not ended.
    RUNNING = "RUNNING"
    # Its job succeeded, and made the outputs that it names.
    SUCCEEDED = "SUCCEEDED"
    # It is left out: by its condition, for an input that was not made, or by hand.
    SKIPPED = "SKIPPED"
    # Its job failed.
    FAILED = "FAILED"
    # Its job was stopped or removed, or the run was stopped before it began.
    STOPPED = "STOPPED"
    # A step that it waits for failed or was stopped.
    UNREACHED = "UNREACHED"

    @property
    def is_final(self) -> bool:
        """Tell whether the step has ended."""
        return self not in (StepState.WAITING, StepState.RUNNING)


#: States in which a step has done what was wanted of it.
DONE = frozenset({StepState.SUCCEEDED, StepState.SKIPPED})
#: States after which nothing that waits for the step can run.
BROKEN = frozenset({StepState.FAILED, StepState.STOPPED, StepState.UNREACHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How far a step is."""

    state: StepState = StepState.WAITING
    #: The id of its job; "" before it begins, and for a step of several jobs.
    job: str = ""
    #: Why it is so, in words.
    note: str = ""
    #: How many jobs a step has that runs for each element of a list.
    members: int | None = None
    #: Whether it has begun to wait for a person, a token, an event or a time.
    begun: bool = False

    def facts(self) -> list[Any]:
        """Return it as JSON values."""
        return [self.state.value, self.job, self.note, self.members, *([True] * self.begun)]

    @classmethod
    def read(cls, facts: Iterable[Any]) -> Entry:
        """Return the entry of JSON values; each end of a step reads all those of its run."""
        return _entry(*facts)


@lru_cache(maxsize=4096)
def _entry(state: str, job: str, note: str, members: int | None, *begun: bool) -> Entry:
    return Entry(state=StepState(state), job=job, note=note, members=members, begun=any(begun))


#: The entries of steps, by their names; jobs of a step with several are ``name[0]``, ``name[1]``.
Plan: TypeAlias = "Mapping[str, Entry]"


def fresh(graph: Graph) -> Plan:
    """Return the plan of a run that begins."""
    return {one.name: Entry() for one in graph.steps}


def facts(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return {name: entry.facts() for name, entry in plan.items()}


def read(given: Mapping[str, Any]) -> Plan:
    """Return the plan of JSON values."""
    return {name: Entry.read(one) for name, one in given.items()}


def stored(graph_facts: Any, plan_facts: Any) -> tuple[Graph, Plan] | None:
    """Return the graph and the plan of a row; None if there are none, or they cannot be read."""
    try:
        graph = Graph.read(graph_facts)
    except UNREADABLE:
        return None
    plan = fitting(graph, plan_facts)
    return (graph, plan) if plan is not None else None


def fitting(graph: Graph, plan_facts: Any) -> Plan | None:
    """Return the plan of a row for this graph; None if it cannot be read, or lacks a step."""
    try:
        plan = read(plan_facts)
        names = [member(one, n) for one in graph.by_name for n in range(plan[one].members or 0)]
        is_whole = {*graph.by_name, *names} <= plan.keys()
    except UNREADABLE:
        return None
    return plan if is_whole else None


def member(name: str, number: int) -> str:
    """Return the name of a step's job, if it has several."""
    return f"{name}[{number}]"


def step_of(graph: Graph, name: str) -> str:
    """Return the step of a name, which may be that of one of its jobs."""
    if name in graph.by_name or name in graph.undos:
        return name
    return name.rpartition("[")[0]


def due(graph: Graph, plan: Plan) -> tuple[StepSpec, ...]:
    """Return the steps that wait for nothing any more."""
    return tuple(
        spec
        for spec in graph.steps
        if plan[spec.name].state is StepState.WAITING
        and not plan[spec.name].begun
        and all(plan[need].state.is_final for need in graph.needs(spec))
    )


def prevented(graph: Graph, plan: Plan, spec: StepSpec) -> Entry | None:
    """Return how a due step ends without running, because of those before it; None if it runs."""
    for need in graph.needs(spec):
        entry = plan[need]
        forgiven = entry.state is StepState.FAILED and graph.by_name[need].on_error is OnError.GO_ON
        if entry.state in BROKEN and not forgiven:
            return Entry(state=StepState.UNREACHED, note=f"{need} is {entry.state}")
    for name in spec.inputs:
        maker = graph.makers.get(name)
        if maker and plan[maker].state is not StepState.SUCCEEDED:
            note = f"its input {name} was not made: {maker} is {plan[maker].state}"
            return Entry(state=StepState.SKIPPED, note=note)
    return None


def after(graph: Graph, plan: Plan, name: str, entry: Entry) -> Plan:
    """Return the plan after a step, or one of its jobs, came to this."""
    step = step_of(graph, name)
    changed = {**plan, name: replace(entry, note=entry.note[:NOTE_MAX])}
    if step == name:
        return changed
    whole = changed[step]
    parts = [changed[member(step, number)] for number in range(whole.members or 0)]
    if not all(one.state.is_final for one in parts):
        return changed
    return {**changed, step: _gathered(graph.by_name[step], whole, parts)}


def _gathered(spec: StepSpec, whole: Entry, parts: list[Entry]) -> Entry:
    """Return the end of a step whose jobs have all ended."""
    if any(one.state is StepState.STOPPED for one in parts):
        return replace(whole, state=StepState.STOPPED)
    failed = sum(one.state is StepState.FAILED for one in parts)
    if not failed:
        return replace(whole, state=StepState.SUCCEEDED)
    return replace(
        whole,
        state=StepState.FAILED,
        note=f"{failed} of {counted(len(parts), 'job', 'jobs')} failed",
    )


def ended_as(state: str) -> StepState:
    """Return the state of a step whose job ended in this one."""
    if state == JobState.SUCCEEDED:
        return StepState.SUCCEEDED
    return StepState.FAILED if state in FAILED else StepState.STOPPED


def stopped(plan: Plan) -> Plan:
    """Return the plan of a run that is stopped: what waits ends, what runs is asked."""
    note = "the run was stopped"
    return {
        name: replace(entry, state=StepState.STOPPED, note=note)
        if entry.state is StepState.WAITING
        else entry
        for name, entry in plan.items()
    }


def outcome(graph: Graph, plan: Plan) -> RunState:
    """Return the state of the run."""
    entries = [(spec, plan[spec.name].state) for spec in graph.steps]
    states = {state for _, state in entries}
    undos = [plan[name].state for name in graph.undos if name in plan]
    if not all(state.is_final for state in (*states, *undos)):
        return RunState.RUNNING
    if any(
        state is StepState.FAILED and spec.on_error is not OnError.GO_ON for spec, state in entries
    ):
        return RunState.FAILED
    return RunState.STOPPED if states & BROKEN - {StepState.FAILED} else RunState.SUCCEEDED


def members(plan: Plan, name: str) -> list[str]:
    """Return the names of a step's jobs, if it has several."""
    return [member(name, number) for number in range(plan[name].members or 0)]


def jobs(plan: Plan) -> list[str]:
    """Return the ids of all jobs."""
    return [entry.job for entry in plan.values() if entry.job]


def shaped(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a tree of steps with their results in the places of their names."""
    if isinstance(tree, list):
        return [shaped(one, values) for one in tree]
    return values.get(tree)


def asked(graph: Graph, specs: Iterable[StepSpec]) -> set[str]:
    """Return the steps whose results these steps ask for."""
    found = set[str]()
    for spec in specs:
        found |= {*leaves(spec.takes), *(one for one in graph.needs(spec) if _asks(spec, one))}
    return found


def _asks(spec: StepSpec, name: str) -> bool:
    return any(getattr(one, "step", "") == name for one in (spec.when, spec.each))
