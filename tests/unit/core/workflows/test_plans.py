"""Plans: what is due, how ends spread, what the run comes to, and what a restart repeats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offload.core.states import JobState
from offload.core.workflows import plans, restarts
from offload.core.workflows.conditions import result
from offload.core.workflows.graphs import Graph, OnError, StepSpec, leaves
from offload.core.workflows.plans import Entry, Plan, StepState
from offload.core.workflows.run_states import RunState

S = StepState


def spec(name: str, *after: str, **also: Any) -> StepSpec:
    """Return a step that waits for others."""
    return StepSpec(name=name, topic=name, after=after, **also)


def graph(*steps: StepSpec) -> Graph:
    """Return a graph of these steps."""
    return Graph(steps=steps, result=steps[-1].name)


CHAIN = graph(spec("a"), spec("b", "a"), spec("c", "b"))
GO_ON = graph(spec("a", on_error=OnError.GO_ON), spec("b", "a"))
FILES = graph(spec("a", outputs=("x",), on_error=OnError.GO_ON), spec("b", inputs=("x",)))


def plan(**states: StepState) -> Plan:
    """Return a plan with steps in these states; each has a job if it began."""
    waits = (S.WAITING, S.SKIPPED, S.UNREACHED)
    return {
        name: Entry(state=state, job="" if state in waits else f"job-{name}")
        for name, state in states.items()
    }


@pytest.mark.parametrize(
    ("states", "due"),
    [
        ({"a": S.WAITING, "b": S.WAITING, "c": S.WAITING}, ["a"]),
        ({"a": S.RUNNING, "b": S.WAITING, "c": S.WAITING}, []),
        ({"a": S.SUCCEEDED, "b": S.WAITING, "c": S.WAITING}, ["b"]),
        ({"a": S.SKIPPED, "b": S.WAITING, "c": S.WAITING}, ["b"]),
        ({"a": S.FAILED, "b": S.WAITING, "c": S.WAITING}, ["b"]),
        ({"a": S.SUCCEEDED, "b": S.SUCCEEDED, "c": S.SUCCEEDED}, []),
    ],
)
def test_a_step_is_due_once_all_that_it_waits_for_has_ended(
    states: dict[str, StepState], due: list[str]
) -> None:
    assert [one.name for one in plans.due(CHAIN, plan(**states))] == due


@pytest.mark.parametrize(
    ("whole", "before", "state", "note"),
    [
        (CHAIN, S.SUCCEEDED, None, ""),
        (CHAIN, S.SKIPPED, None, ""),
        (CHAIN, S.FAILED, S.UNREACHED, "a is FAILED"),
        (CHAIN, S.STOPPED, S.UNREACHED, "a is STOPPED"),
        (GO_ON, S.FAILED, None, ""),
        (GO_ON, S.STOPPED, S.UNREACHED, "a is STOPPED"),
        (FILES, S.SUCCEEDED, None, ""),
        (FILES, S.FAILED, S.SKIPPED, "its input x was not made: a is FAILED"),
        (FILES, S.SKIPPED, S.SKIPPED, "its input x was not made: a is SKIPPED"),
    ],
)
def test_an_end_spreads_to_what_waits_for_it(
    whole: Graph, before: StepState, state: StepState | None, note: str
) -> None:
    found = plans.prevented(whole, plan(a=before, b=S.WAITING), whole.by_name["b"])

    assert (found and found.state, found.note if found else "") == (state, note)


@pytest.mark.parametrize(
    ("whole", "states", "state"),
    [
        (CHAIN, (S.SUCCEEDED, S.SUCCEEDED, S.RUNNING), RunState.RUNNING),
        (CHAIN, (S.SUCCEEDED, S.SUCCEEDED, S.WAITING), RunState.RUNNING),
        (CHAIN, (S.SUCCEEDED, S.SKIPPED, S.SUCCEEDED), RunState.SUCCEEDED),
        (CHAIN, (S.FAILED, S.UNREACHED, S.UNREACHED), RunState.FAILED),
        (CHAIN, (S.SUCCEEDED, S.STOPPED, S.UNREACHED), RunState.STOPPED),
        (CHAIN, (S.STOPPED, S.FAILED, S.STOPPED), RunState.FAILED),
        (GO_ON, (S.FAILED, S.SUCCEEDED), RunState.SUCCEEDED),
        (GO_ON, (S.FAILED, S.STOPPED), RunState.STOPPED),
        (GO_ON, (S.FAILED, S.FAILED), RunState.FAILED),
    ],
)
def test_the_run_comes_to_what_its_steps_do(
    whole: Graph, states: tuple[StepState, ...], state: RunState
) -> None:
    names = [one.name for one in whole.steps]
    assert plans.outcome(whole, plan(**dict(zip(names, states, strict=True)))) is state


@pytest.mark.parametrize("state", JobState)
def test_every_end_of_a_job_is_one_of_its_step(state: JobState) -> None:
    found = plans.ended_as(state)

    assert found.is_final
    assert (found is S.SUCCEEDED) == (state == JobState.SUCCEEDED)
    assert (found is S.FAILED) == (state in ("GIVEN_UP", "ERROR", "EXPIRED"))


def each_plan(*states: StepState) -> Plan:
    """Return the plan of a step that runs for each element, in these states."""
    whole: dict[str, Entry] = {
        "a": Entry(state=S.SUCCEEDED, job="job-a"),
        "b": Entry(state=S.RUNNING, members=len(states)),
    }
    for number, state in enumerate(states):
        whole[f"b[{number}]"] = Entry(state=state, job=f"job-{number}")
    return whole


EACH = graph(spec("a"), spec("b", "a", each=result("a")))


@pytest.mark.parametrize(
    ("others", "last", "state", "note"),
    [
        ((S.SUCCEEDED, S.RUNNING), S.SUCCEEDED, S.RUNNING, ""),
        ((S.SUCCEEDED, S.SUCCEEDED), S.SUCCEEDED, S.SUCCEEDED, ""),
        ((S.FAILED, S.SUCCEEDED), S.FAILED, S.FAILED, "2 of 3 jobs failed"),
        ((S.FAILED, S.SUCCEEDED), S.STOPPED, S.STOPPED, ""),
    ],
)
def test_a_step_of_several_jobs_ends_with_the_last(
    others: tuple[StepState, ...], last: StepState, state: StepState, note: str
) -> None:
    before = each_plan(*others, S.RUNNING)

    after = plans.after(EACH, before, "b[2]", Entry(state=last, job="job-2"))

    assert (after["b"].state, after["b"].note) == (state, note)
    assert before["b"].state is S.RUNNING
    assert plans.members(after, "b") == ["b[0]", "b[1]", "b[2]"]


def test_a_restart_keeps_what_is_done_and_repeats_the_rest() -> None:
    broken = plan(a=S.SUCCEEDED, b=S.FAILED, c=S.UNREACHED)

    again = restarts.restarted(CHAIN, broken)

    assert again == {"a": broken["a"], "b": Entry(), "c": Entry()}
    assert plans.jobs(again) == ["job-a"]


def test_a_restart_repeats_what_followed_a_forgiven_failure() -> None:
    again = restarts.restarted(GO_ON, plan(a=S.FAILED, b=S.SUCCEEDED))

    assert [one.state for one in again.values()] == [S.WAITING, S.WAITING]


def test_a_restart_keeps_the_jobs_of_a_step_that_succeeded() -> None:
    broken = each_plan(S.SUCCEEDED, S.FAILED)
    broken = {**broken, "b": Entry(state=S.FAILED, members=2)}

    again = restarts.restarted(EACH, broken)

    assert again.keys() == {"a", "b", "b[0]"}
    assert again["b"].state is S.WAITING


def test_a_stop_ends_what_waits_and_leaves_the_rest() -> None:
    found = plans.stopped(plan(a=S.SUCCEEDED, b=S.RUNNING, c=S.WAITING))

    assert [one.state for one in found.values()] == [S.SUCCEEDED, S.RUNNING, S.STOPPED]


def test_a_plan_is_what_it_was_once_it_was_json() -> None:
    whole = each_plan(S.SUCCEEDED, S.FAILED)

    assert plans.read(json.loads(json.dumps(plans.facts(whole)))) == whole
    assert plans.fresh(CHAIN) == {"a": Entry(), "b": Entry(), "c": Entry()}


def test_only_results_that_a_step_takes_or_asks_for_are_read() -> None:
    ordered = spec("ordered", "a")
    takes = spec("takes", "a", "b", takes=["a", ["b"]])
    asks = spec("asks", when=result("c", above=1))

    assert plans.asked(CHAIN, [ordered]) == set()
    assert plans.asked(CHAIN, [takes, asks]) == {"a", "b", "c"}
    assert plans.shaped(["a", ["b"]], {"a": 1, "b": 2}) == [1, [2]]


def test_a_step_that_waits_for_many_looks_once_at_what_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"step {number}" for number in range(50)]
    last = spec("last", *names, takes=names, when=result("step 7", above=1))
    many, looked = graph(*map(spec, names), last), list[Any]()

    def counted(tree: Any) -> list[str]:
        looked.append(tree)
        return leaves(tree)

    monkeypatch.setattr(plans, "leaves", counted)

    assert plans.asked(many, [last]) == set(names)
    assert len(looked) == 1
