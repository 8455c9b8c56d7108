"""Steps of a run that have no row yet, read from Celery's own signatures."""

from __future__ import annotations

from typing import Any

from celery import chain, chord, group, signature

from offload.canvas.freezing.signatures import as_dicts
from offload.messaging.names import TOPIC_OPTION
from offload.reading.jobs.steps import waiting


def step(topic: str, task_id: str) -> Any:
    """Return a signature of a step with its frozen id."""
    return signature("offload.step", options={TOPIC_OPTION: topic, "task_id": task_id})


def topics(*args: Any) -> list[str]:
    """Return the topics of the steps that wait."""
    return [one.topic for one in waiting(*args)]


def test_the_rest_of_a_chain_follows_in_the_order_it_runs() -> None:
    tail = {"chain": [as_dicts(step("third", "3")), as_dicts(step("second", "2"))]}

    assert topics([tail], [], set()) == ["second", "third"]


def test_canvases_within_canvases_are_taken_apart() -> None:
    inner = chord([step("a", "1"), step("b", "2")], step("c", "3"), app=None)
    canvas = chain(group(inner, step("d", "4")), step("e", "5"))

    found = topics([{"link": as_dicts(canvas)}], [], set())

    assert sorted(found) == ["a", "b", "c", "d", "e"]


def test_the_body_of_an_open_join_follows() -> None:
    assert topics([], [as_dicts(step("last", "9"))], {"1", "2"}) == ["last"]


def test_what_has_a_row_is_not_named_twice() -> None:
    tail = {"chain": [as_dicts(step("second", "2"))]}

    assert topics([tail, tail], [], set()) == ["second"]
    assert topics([tail], [], {"2"}) == []


def test_a_plain_celery_task_is_named_by_its_task() -> None:
    assert topics([{"link": [as_dicts(signature("shop.mail"))]}], [], set()) == ["shop.mail"]


def test_errbacks_are_no_steps() -> None:
    assert topics([{"link_error": [as_dicts(step("mourn", "1"))]}], [], set()) == []
