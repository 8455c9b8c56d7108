"""The walk through a canvas, as Celery's own code writes canvases."""

from __future__ import annotations

from typing import Any

import pytest
from celery import chain, chord, group, signature

from offload.canvas.freezing.signatures import as_dicts
from offload.canvas.freezing.walk import first, frozen, members, walk


def task(name: str, **options: Any) -> Any:
    """Return the signature of a task, frozen with its name as id."""
    return signature(name, options={"task_id": name, **options})


def names(signatures: Any) -> list[str]:
    """Return the names of tasks."""
    return [one["task"] for one in signatures]


CANVAS = as_dicts(
    chain(
        group(task("a"), group(task("b"), chain(task("c"), task("d")))),
        chord([task("e"), task("f")], task("g"), app=None),
    )
)


def test_every_task_is_met_once_in_its_order() -> None:
    assert names(node.signature for node in walk(CANVAS)) == list("abcdefg")
    assert [node.id for node in walk([CANVAS, [task("h")]])] == list("abcdefgh")


def test_the_tasks_of_a_header_are_counted_by_nobody_yet() -> None:
    body = as_dicts(chord([task("a"), group(task("b"), task("c"))], task("d"), app=None))

    assert {node.id: node.is_counted for node in walk(body)} == {
        "a": False, "b": False, "c": False, "d": True,
    }  # fmt: skip


def test_the_rest_of_a_chain_is_met_behind_its_task_if_it_is_asked_for() -> None:
    head = task("a", chain=[task("c"), task("b")])

    assert [node.id for node in frozen(head)] == ["a", "c", "b"]
    assert [node.id for node in walk(head)] == ["a"]


def test_what_is_not_frozen_has_no_id() -> None:
    assert list(frozen([signature("a"), signature("b")])) == []


def test_groups_in_a_group_are_flattened_and_nothing_else() -> None:
    inner = chain(task("c"), task("d"))
    found = list(members(as_dicts(group(task("a"), group(task("b"), inner)))))

    assert names(found) == ["a", "b", "celery.chain"]


@pytest.mark.parametrize(
    ("canvas", "begins"),
    [
        (CANVAS, ["a", "b", "c"]),
        (as_dicts(chord([task("e"), task("f")], task("g"), app=None)), ["e", "f"]),
        (as_dicts(task("a")), ["a"]),
        (as_dicts(chain(task("a"), task("b"))), ["a"]),
    ],
)
def test_what_waits_for_nothing_is_met_first(canvas: Any, begins: list[str]) -> None:
    assert names(first(canvas)) == begins


@pytest.mark.parametrize(
    "odd", [None, 7, "text", [None, 7], {"subtask_type": "group", "kwargs": 7, "options": []}]
)
def test_what_is_no_signature_is_left_out(odd: object) -> None:
    assert [node.id for node in frozen(odd)] == []
