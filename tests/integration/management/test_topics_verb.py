"""topics, queues and explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import Queue
from offload.rules import editing
from tests.integration.world import HERE, THERE, TOPIC, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]

#: The facts of topics without jobs that are due later.
DUE = {"later": 0, "retrying": 0, "due_in": None}


def test_topics_are_those_consumed_and_those_of_jobs(said: Said, answered: Answered) -> None:
    join()
    waiting(3)
    waiting(topic="audio/mix")
    assert answered("topics") == [
        {"topic": "audio/mix", "waiting": 1, "bound": 0, "active": 0, "can_run": 0, **DUE},
        {"topic": "dam/**", "waiting": 0, "bound": 0, "active": 0, "can_run": 1, **DUE},
        {"topic": TOPIC, "waiting": 3, "bound": 0, "active": 0, "can_run": 1, **DUE},
    ]
    assert "audio/mix" in said("topics")


def test_topics_of_an_empty_cluster_say_what_to_do(said: Said) -> None:
    assert "manage.py offload doctor" in said("topics")


def test_queues_are_listed_with_limits_and_jobs(said: Said, answered: Answered) -> None:
    Queue.objects.create(name="slow", topics=["dam/**"], max_parallel=1, suspended=True)
    waiting(2, queue="slow")
    by_name = {one["name"]: one for one in answered("queues")}
    assert set(by_name) == {"default", "slow"}
    assert by_name["slow"]["topics"] == ["dam/**"]
    assert (by_name["slow"]["limit"], by_name["slow"]["suspended"]) == (1, True)
    assert (by_name["slow"]["waiting"], by_name["default"]["waiting"]) == (2, 0)
    assert "suspended" in said("queues")


def test_explain_gives_a_verdict_per_instance(said: Said, answered: Answered) -> None:
    join()
    join(THERE)
    editing.deny(THERE, TOPIC)
    facts = answered("explain", TOPIC)
    verdicts = {one["instance"]: one for one in facts["instances"]}
    assert facts["instance"] == HERE
    assert verdicts[HERE]["can_run"] is True
    assert verdicts[THERE]["obstacle"] == "denied"
    assert f"denies {TOPIC} on {THERE}" in said("explain", TOPIC)


def test_explain_refuses_what_is_no_topic(said: Said) -> None:
    with pytest.raises(CommandError, match="is not a topic"):
        said("explain", "dam//web")


def test_a_suspended_queue_is_named_with_its_note_and_the_way_on(
    said: Said, answered: Answered
) -> None:
    Queue.objects.create(name="narrow", topics=["dam/**"], suspended=True, note="disk full")
    told = "Queue narrow is suspended: disk full."

    status, findings = said("status"), " ".join(said("doctor").split())

    assert f"{told} To resume it: manage.py offload queues resume narrow" in status
    assert f"{told} None of its jobs is sent." in findings
    assert answered("status")["suspended"] == ["narrow"]
