"""Runs as text for another cluster, read as a stranger's word, and what comes home of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offload.core.topics import RUN_TOPIC
from offload.core.workflows import plans, whole_runs
from offload.core.workflows.graphs import Graph, OnError, StepSpec
from offload.core.workflows.plans import Entry, StepState
from offload.core.workflows.waits import Wait, WaitKind
from offload.core.workflows.whole_runs import ORDER, WholeRun

UNDO = {"topic": "c", "signature": {"kwargs": {}}}
GRAPH = Graph(
    steps=(
        StepSpec(name="a", topic="a", compensate=UNDO),
        StepSpec(name="b", topic="b", after=("a",), takes="a", on_error=OnError.COMPENSATE),
        StepSpec(name="rest", topic="", after=("b",), wait=Wait(kind=WaitKind.TIME, delay=1.0)),
    ),
    result="b",
)
RUN = WholeRun(workflow="dam/whole", graph=GRAPH, parameters={"n": 1}, user_data=[1], actor="ada")
DONE = {name: Entry(state=StepState.SUCCEEDED, job=f"j-{name}") for name in GRAPH.by_name}


def test_a_run_is_read_as_it_was_written_with_the_topics_of_all_its_jobs() -> None:
    read = whole_runs.read({ORDER: RUN.written()})

    assert read == RUN
    assert read.topics == ("a", "b", "c")


def changed(**facts: Any) -> dict[str, Any]:
    """Return the properties of a job whose run says something else."""
    return {ORDER: json.dumps({**json.loads(RUN.written()), **facts})}


def with_step(**facts: Any) -> dict[str, Any]:
    """Return the properties of a job whose run has another first step."""
    graph = GRAPH.facts()
    graph["steps"][0] |= facts
    return changed(graph=graph)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {ORDER: "{"},
        {ORDER: "[" * 100_000},
        {ORDER: 7},
        changed(graph=None),
        changed(graph={"steps": [], "inputs": [], "result": None}),
        changed(workflow="No Topic"),
        changed(parameters=7),
        changed(actor=7),
        with_step(topic="No Topic"),
        with_step(topic=RUN_TOPIC),
        with_step(name=RUN_TOPIC),
        with_step(after=["b"]),
        with_step(on_error="never"),
        with_step(compensate={"signature": {}}),
        with_step(wait=Wait(kind=WaitKind.APPROVAL, about="good?").facts()),
    ],
)
def test_what_is_no_run_that_can_be_led_is_none(given: dict[str, Any]) -> None:
    assert whole_runs.read(given) is None


def test_what_waits_for_home_cannot_go() -> None:
    asks = Graph(steps=(StepSpec(name="x", topic="", wait=Wait(kind=WaitKind.TOKEN)),))

    assert "'x' waits for a token" in whole_runs.problem_of(asks)
    assert whole_runs.problem_of(GRAPH) == ""


def test_the_plan_comes_home_without_the_jobs_that_are_not_homes() -> None:
    told = json.loads(json.dumps(whole_runs.summary(GRAPH, DONE, 7)))

    plan = whole_runs.come_home(GRAPH, told)
    assert plan == {name: Entry(state=StepState.SUCCEEDED) for name in DONE}
    assert told["result"] == 7


@pytest.mark.parametrize("told", [None, 7, {}, {"plan": {}}, {"plan": {"a": ["SUCCEEDED"]}}])
def test_a_plan_that_is_unreadable_or_not_over_is_none(told: object) -> None:
    assert whole_runs.come_home(GRAPH, told) is None
    open_ = {"plan": plans.facts({**DONE, "b": Entry()})}
    assert whole_runs.come_home(GRAPH, open_) is None


def test_a_large_plan_comes_home_without_notes_and_jobs_of_lists() -> None:
    many = {plans.member("a", n): Entry(state=StepState.FAILED, note="x" * 300) for n in range(900)}
    whole = {"a": Entry(state=StepState.FAILED, members=900, note="900 of 900 failed")}

    told = whole_runs.summary(GRAPH, {**DONE, **whole, **many}, None)
    assert len(json.dumps(told)) < 1000
    plan = whole_runs.come_home(GRAPH, told)
    assert plan is not None
    assert plan["a"] == Entry(state=StepState.FAILED)


@pytest.mark.parametrize(
    ("state", "states", "outcome"),
    [
        (StepState.STOPPED, ["STOPPED"] * 3, "STOPPED"),
        (StepState.FAILED, ["FAILED", "UNREACHED", "UNREACHED"], "FAILED"),
    ],
)
def test_a_run_that_does_not_come_home_has_an_end_of_its_own(
    state: StepState, states: list[str], outcome: str
) -> None:
    plan = whole_runs.not_come_home(GRAPH, plans.fresh(GRAPH), state, "no")

    assert [one.state for one in plan.values()] == states
    assert plans.outcome(GRAPH, plan) == outcome


def test_a_lost_run_whose_failures_do_not_count_is_no_success() -> None:
    graph = Graph(steps=(StepSpec(name="a", topic="a", on_error=OnError.GO_ON),))

    plan = whole_runs.not_come_home(graph, plans.fresh(graph), StepState.FAILED, "no")
    assert plans.outcome(graph, plan) == "STOPPED"


def test_how_far_a_run_is_counts_steps_and_names_those_that_run() -> None:
    plan = {**DONE, "b": Entry(state=StepState.RUNNING, members=2), "b[0]": Entry()}

    assert whole_runs.how_far(plan) == (2, 3, "b")
