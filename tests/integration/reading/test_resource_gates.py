"""Resources in explanations: how much is used, by whom, and which command changes it."""

from __future__ import annotations

import pytest

from offload.core.matching.amounts import Amounts
from offload.core.states import Waiting
from offload.dispatch import dispatching
from offload.queues import policies, resources
from offload.reading.waiting.explain import explain, explain_job
from tests.integration.world import HERE, TOPIC, join, row, waiting

MAYA = Amounts.of({"maya": 1})


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_that_waits_for_a_resource_says_who_uses_it() -> None:
    resources.set_("maya", capacity=1)
    user, later = waiting(2, resources=MAYA)
    dispatching.refill(HERE)

    found = explain_job(row(later))

    assert found.waiting is Waiting.RESOURCE
    [gate] = found.gates
    assert (gate.gate, gate.used, gate.limit, gate.is_open) == ("resource", 1, 1, False)
    assert gate.fact.startswith(f"Jobs use 1 of 1 maya. Used by {user} bound for 0.")
    assert found.sentence.startswith(f"{Waiting.RESOURCE.sentence} {gate.fact}")
    change = "manage.py offload resources set maya --capacity N"
    assert (gate.change, found.next_step) == (change, f"To change how much there is: {change}")


def test_a_cooling_says_until_when_and_how_to_end_it() -> None:
    resources.set_("maya", capacity=1)
    resources.cool("maya", 60, by="job 7")
    [job_id] = waiting(resources=MAYA)

    found = explain_job(row(job_id))

    [gate] = found.gates
    assert "it cools down until" in gate.fact
    assert "asked for by job 7" in gate.fact
    assert gate.again_at is not None
    assert "It may begin at" in found.sentence
    assert found.next_step == "To end that: manage.py offload resources clear maya"


def test_what_nobody_has_defined_is_said_with_the_way_to_define_it() -> None:
    found = explain_job(row(waiting(resources=MAYA)[0]))

    assert found.waiting is Waiting.RESOURCE
    assert found.sentence == "It uses 1 of maya, a resource that nobody has defined."
    assert found.next_step.endswith("manage.py offload resources set maya --capacity N")


def test_a_topic_is_explained_with_the_resources_of_its_queue() -> None:
    resources.set_("maya", capacity=3, per="host", report_age=60.0, stale="open")
    policies.add("narrow", ["dam/**"], resources={"maya": 2})

    [gate] = explain(TOPIC).gates

    assert gate.fact == (
        "Hosts use 0 of 3 maya; it needs 2; nobody has reported how much there is, so what a "
        "person set holds."
    )
