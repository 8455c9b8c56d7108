"""Runs go where there is what the consumers and queues of their steps require."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain

from offload.core.exceptions import InvalidPlacement
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.diagnostics import runs
from offload.models import Job
from offload.queues import policies
from offload.reading.runs import run_page
from offload.reading.waiting.explain import explain_job
from offload.workflows import start, step, workflow
from tests.integration.workflows.placement.placing import FLOW, known, lanes, sweep
from tests.integration.world import HERE, THERE, join

__all__ = ["known"]

if TYPE_CHECKING:
    from celery import Celery
    from celery.canvas import Signature

WEAK, STRONG = {"ram_gb": 32}, {"ram_gb": 128}
BIG = {"ram_gb": {">=": 64}}


def test_a_run_stays_together_where_the_queue_of_one_step_lets_it(app: Celery) -> None:
    policies.add("reads", ["flow/read"], requires=BIG)
    join(HERE, consumers=FLOW, facts=WEAK)
    join(THERE, consumers=FLOW, facts=STRONG)

    placed = [start("three", placement="together").row.instance for _ in range(2)]

    assert placed == [THERE, THERE]


def test_what_a_queue_comes_to_require_places_a_run_anew_or_says_what_is_lacking(
    app: Celery,
) -> None:
    join(HERE, consumers=FLOW, facts=WEAK)
    queue = policies.add("makes", ["flow/make"])
    run = start("three", placement="together")
    assert run.row.instance == HERE

    policies.change(queue, requires=BIG)
    sweep()

    why = explain_job(run.steps[0])
    assert f"{HERE} does not qualify: ram_gb is 32" in why.sentence
    assert [one.reason.obstacle for one in why.verdicts if one.reason] == [Obstacle.UNMET]
    assert "does not qualify" in run_page.page(run.row).placed
    assert any("does not qualify" in one.fact for one in runs.examine())

    join(THERE, consumers=FLOW, facts=STRONG)
    sweep()
    assert (run.row.instance, lanes(run)) == (THERE, [f"only={THERE}"])


def asking(call: Signature[Any], given: dict[str, Any]) -> Signature[Any]:
    """Return the signature of a step that asks for this."""
    return call.set(offload=given)  # type: ignore[call-arg]


def test_what_a_step_asks_for_places_its_run_or_only_itself(app: Celery) -> None:
    join(HERE, consumers=FLOW, facts=WEAK)
    join(THERE, consumers=FLOW, facts=STRONG)
    picky = asking(step("flow/make", called="b", name="b"), {"requires": BIG})
    wish = {"prefers": [({"ram_gb": 128}, 5)]}
    workflow("picky")(lambda: chain(step("flow/make", called="a", name="a"), picky))
    workflow("wishes")(lambda: asking(step("flow/make", called="a", name="a"), wish))

    assert start("picky", placement="together").row.instance == THERE
    assert [start("wishes", placement="together").row.instance for _ in range(2)] == [THERE] * 2
    [lane] = start("wishes").steps
    assert Lane.parse(lane.lane).prefers.given == [[{"ram_gb": 128}, 5]]


def test_a_step_that_asks_for_what_cannot_be_is_refused_with_its_workflow(app: Celery) -> None:
    wrong = asking(step("flow/make", name="a"), {"require": BIG})
    workflow("wrong")(lambda: wrong)

    with pytest.raises(InvalidPlacement, match="did you mean 'requires'"):
        start("wrong")
    assert not Job.objects.exists()


def test_a_consumer_that_requires_more_keeps_the_run_from_its_instance(app: Celery) -> None:
    join(HERE, consumers=[{**FLOW[0], "requires": BIG}], facts=WEAK)
    join(THERE, consumers=FLOW, facts=WEAK)

    assert start("three", placement="together").row.instance == THERE


def test_steps_take_turns_over_the_instances_that_qualify(app: Celery) -> None:
    policies.add("makes", ["flow/make"], requires=BIG)
    for name, facts in ((HERE, WEAK), (THERE, STRONG), ("third@host", STRONG)):
        join(name, consumers=FLOW, facts=facts)

    kept = {one.partition(":")[2] for one in lanes(start("wide", placement="spread"))}

    assert kept == {THERE, "third@host"}
