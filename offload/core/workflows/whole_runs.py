"""Whole runs: a run of a workflow as one job of another cluster, there and back (P15)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from json import JSONDecodeError, dumps, loads
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidTopic
from offload.core.topics import RUN_TOPIC, validate_topic
from offload.core.workflows import plans
from offload.core.workflows.graph_problems import problems
from offload.core.workflows.graphs import Graph, OnError
from offload.core.workflows.plans import Entry, StepState
from offload.core.workflows.waits import WORDS, WaitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.workflows.plans import Plan

#: The property of a job that holds the run.
ORDER = "order"
#: Bytes of a run in an envelope, and of the plan that comes back.
ORDER_BYTES_MAX, PLAN_BYTES_MAX = 300_000, 150_000
#: Errors of a text that is no order.
UNREADABLE = (*plans.UNREADABLE, JSONDecodeError, RecursionError, InvalidTopic)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """A run as it is sent to another cluster."""

    workflow: str
    graph: Graph
    version: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    user_data: Any = None
    actor: str = ""
    reason: str = ""

    def written(self) -> str:
        """Return it as text."""
        facts = {
            "workflow": self.workflow, "graph": self.graph.facts(), "version": self.version,
            "parameters": self.parameters, "user_data": self.user_data, "actor": self.actor,
            "reason": self.reason,
        }  # fmt: skip
        return dumps(facts, ensure_ascii=False, default=str)

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics of its jobs."""
        return topics_of(self.graph)


def topics_of(graph: Graph) -> tuple[str, ...]:
    """Return the topics of all jobs that a run of a graph may have."""
    calls = [*(one for one in graph.steps if not one.wait), *graph.undos.values()]
    return tuple(dict.fromkeys(one.topic for one in calls))


def read(properties: Mapping[str, Any]) -> WholeRun | None:
    """Return the run of a job's properties, which another cluster has written; None if there is
    none that can run.
    """
    try:
        facts = loads(properties[ORDER])
        graph = Graph.read(facts["graph"])
        run = WholeRun(
            workflow=validate_topic(facts["workflow"]),
            graph=graph,
            version=_text(facts["version"], 64),
            parameters=dict(facts["parameters"]),
            user_data=facts["user_data"],
            actor=_text(facts["actor"], 255),
            reason=_text(facts["reason"], 255),
        )
        for topic in run.topics:
            validate_topic(topic)
        is_fit = not problem_of(graph) and not problems(graph) and bool(graph.steps)
    except UNREADABLE:
        return None
    return run if is_fit else None


def _text(value: object, most: int) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value[:most]


def problem_of(graph: Graph) -> str:
    """Return why no run of a graph can be one job of another cluster; "" if it can."""
    for spec in graph.steps:
        if spec.wait and spec.wait.kind is not WaitKind.TIME:
            return (
                f"its step {spec.name!r} waits for {WORDS[spec.wait.kind]}, which is decided at "
                "home. Leave out placement='peer': its steps may run there one by one"
            )
        if RUN_TOPIC in (spec.name, spec.topic):
            return f"a step cannot be called {RUN_TOPIC}: that is the job of the whole run"
    return ""


def summary(graph: Graph, plan: Plan, result: Any) -> dict[str, Any]:
    """Return the facts that come home of a run that has ended; its jobs are the other cluster's.

    If the plan is too large, notes and the jobs of lists are left out.
    """
    entries = {name: replace(entry, job="", begun=False) for name, entry in plan.items()}
    if len(dumps(plans.facts(entries))) > PLAN_BYTES_MAX:
        known = {*graph.by_name, *graph.undos}
        entries = {
            name: replace(entry, note="", members=None)
            for name, entry in entries.items()
            if name in known
        }
    return {"plan": plans.facts(entries), "result": result}


def come_home(graph: Graph, value: Any) -> Plan | None:
    """Return the plan of a run that has come home; None if it cannot be read, or is not over."""
    try:
        entries = plans.fitting(graph, value["plan"])
    except UNREADABLE:
        return None
    if entries is None or not plans.outcome(graph, entries).is_final:
        return None
    known = {*graph.by_name, *graph.undos}
    kept = {name for name in entries if name in known or plans.step_of(graph, name) in known}
    return {
        name: replace(entry, job="", begun=False, note=entry.note[: plans.NOTE_MAX])
        for name, entry in entries.items()
        if name in kept
    }


def not_come_home(graph: Graph, plan: Plan, state: StepState, note: str) -> Plan:
    """Return the plan of a run whose job ended without it: nothing of it is known here."""
    if state is not StepState.FAILED:
        return {name: Entry(state=state, note=note) for name in plan}
    # A failure that does not count would make a success of it.
    first = next((one.name for one in graph.steps if one.on_error is not OnError.GO_ON), "")
    left = StepState.UNREACHED if first else StepState.STOPPED
    return {
        name: Entry(state=StepState.FAILED if name == first else left, note=note) for name in plan
    }


def how_far(plan: Plan) -> tuple[int, int, str]:
    """Return how many steps of a run have ended, of how many, and which run now."""
    whole = {name: one for name, one in plan.items() if not name.endswith("]")}
    running = [name for name, one in whole.items() if one.state is StepState.RUNNING]
    ended = sum(one.state.is_final for one in whole.values())
    return ended, len(whole), ", ".join(running)[:200]
