"""Gates of queues that tell their jobs apart by keys, for one job."""

from __future__ import annotations

from typing import Any

import pytest

from offload.models import Queue
from offload.reading.waiting.explain import explain_job
from tests.integration.world import bound, join, row, waiting


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_of_a_queue_with_keys_says_its_key_and_whose_turn_it_is() -> None:
    facts: dict[str, Any] = {"fair": True, "weights": {"acme": 3}, "max_per_key": 2}
    Queue.objects.create(name="keys", topics=["x"], turn="other", **facts)
    bound(queue="keys", key="acme")
    found = explain_job(row(waiting(queue="keys", key="acme")[0]))

    assert found.as_dict()["key"] == "acme"
    assert [(one.gate, one.is_open, one.fact) for one in found.gates] == [
        ("key", True, "1 of 2 at once of key acme are bound or run."),
        ("turn", True, "Keys take turns; acme gets 3 in its turn. The last one was other."),
    ]


def test_topics_that_take_turns_say_so() -> None:
    Queue.objects.create(name="keys", topics=["x"], type="topic_round_robin")
    found = explain_job(row(waiting(queue="keys")[0]))

    assert [one.fact for one in found.gates] == ["Topics take turns, one job each."]


def test_the_first_job_of_a_key_says_that_it_is_the_first() -> None:
    Queue.objects.create(name="keys", topics=["x"], type="ordered_per_key")
    other = bound(queue="keys", key="other")[0].id
    first, second = waiting(2, queue="keys", key="acme")
    behind = waiting(queue="keys", key="other")[0]

    facts = {
        job: [one.fact for one in explain_job(row(job)).gates] for job in (first, second, behind)
    }

    assert facts == {
        first: ["It is the first of key acme."],
        second: [f"Job {first} of key acme comes before it."],
        behind: [f"Job {other} of key other comes before it."],
    }
