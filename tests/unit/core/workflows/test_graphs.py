"""Graphs: what each step waits for, and what is wrong with those that cannot run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offload.core.exceptions import ConfigurationError
from offload.core.workflows.conditions import Facts, media_type, result
from offload.core.workflows.drawing import drawing
from offload.core.workflows.graph_problems import problems
from offload.core.workflows.graphs import Graph, OnError, StepSpec, circle, leaves, levels
from offload.core.workflows.mermaid import mermaid


def spec(name: str, **also: Any) -> StepSpec:
    """Return a step of that name."""
    return StepSpec(name=name, topic=f"made/{name}", **also)


def graph(*steps: StepSpec, inputs: tuple[str, ...] = ("original",)) -> Graph:
    """Return a graph of these steps."""
    return Graph(steps=steps, inputs=inputs)


WEB = spec("web", inputs=("original",), outputs=("web.jpeg",))
MAIL = spec("mail", inputs=("web.jpeg",), after=("web",), when=result("web", "size", above=5))


def test_a_step_waits_for_the_canvas_for_files_and_for_results() -> None:
    asks = spec("asks", when=result("web"))
    takes_file = spec("file", when=media_type("image/*", of="web.jpeg"))
    whole = graph(WEB, MAIL, asks, takes_file)

    assert [whole.needs(one) for one in whole.steps] == [(), ("web",), ("web",), ("web",)]
    assert levels(whole) == {"web": 0, "mail": 1, "asks": 1, "file": 1}


def test_a_graph_is_what_it_was_once_it_was_json() -> None:
    each = spec("each", each=result("web", "pages"), on_error=OnError.GO_ON, takes=["web", ["web"]])
    whole = graph(WEB, MAIL, each, spec("typed", when=media_type("a/*", exclude="a/b", of="c")))

    read = Graph.read(json.loads(json.dumps(whole.facts())))

    assert read == whole
    assert read.version == whole.version
    assert graph(WEB).version != graph(MAIL).version


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ((WEB, MAIL), ""),
        ((WEB, WEB), "two steps are called 'web'"),
        ((WEB, spec("too", outputs=("web.jpeg",))), "made twice, by web and too"),
        ((spec("own", outputs=("original",)),), "is an input of the run, and own makes it"),
        ((WEB, spec("lost", inputs=("wep.jpeg",))), "nobody makes. Did you mean 'web.jpeg'"),
        ((spec("odd", when=media_type("image/*")),), "a media type of no file"),
        ((WEB, spec("odd", when=result("wep"))), "'wep', which is no step. Did you mean 'web'"),
        ((spec("odd", each=result("wep")),), "which is no step"),
        (
            (
                spec("a", inputs=("b.txt",), outputs=("a.txt",)),
                spec("b", inputs=("a.txt",), outputs=("b.txt",)),
            ),
            "a waits for b waits for a",
        ),
        ((spec("self", inputs=("x",), outputs=("x",)),), "self waits for self"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_said_with_the_next_step(
    steps: tuple[StepSpec, ...], problem: str
) -> None:
    found = problems(graph(*steps))

    assert (bool(found), problem in "; ".join(found)) == (bool(problem), True)


def test_a_circle_is_found_behind_steps_that_are_none() -> None:
    ring = [
        spec("first"),
        spec("a", after=("first",), inputs=("b.txt",), outputs=("a.txt",)),
        spec("b", after=("a",), outputs=("b.txt",)),
        spec("last", after=("b",)),
    ]

    assert circle(graph(*ring)) == ("a", "b")
    assert circle(graph(WEB, MAIL)) == ()


FACTS = Facts(values={"scan": {"pages": [1, 2], "kind": "x"}}, files={"a": "image/svg+xml"})


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        (media_type("image/*", of="a"), ""),
        (media_type("IMAGE/*", exclude="image/svg*", of="a"), "'a' is image/svg+xml"),
        (media_type("video/*", of="a"), "'a' is image/svg+xml"),
        (media_type("image/*", of="b"), "there is no file 'b'"),
        (result("scan", "pages", 1, equals=2), ""),
        (result("scan", "pages", 1, above=2), "scan['pages'][1] is 2"),
        (result("scan", "pages", 1, below=3), ""),
        (result("scan", "kind", below=3), "scan['kind'] is 'x'"),
        (result("scan", "none", "deeper"), "scan['none']['deeper'] is None"),
        (result("scan"), ""),
    ],
)
def test_a_condition_holds_or_says_why_not(condition: Any, problem: str) -> None:
    assert condition.problem(FACTS) == problem
    assert str(condition)


def test_wrong_conditions_are_refused_with_words() -> None:
    with pytest.raises(ConfigurationError, match=r"Write media_type\('image/\*'\)"):
        media_type("image")
    with pytest.raises(ConfigurationError, match="one of equals=, above= and below="):
        result("a", under=3)
    with pytest.raises(ConfigurationError, match="not above, below"):
        result("a", above=3, below=5)


def test_mermaid_has_steps_files_and_conditions_and_escapes_what_it_must() -> None:
    odd = spec('say "no"', after=("web",))

    text = mermaid(graph(WEB, MAIL, odd))

    assert text.splitlines() == [
        "flowchart LR",
        '    s0["web: made/web"]',
        "    s1[\"mail: made/mail<br>when web['size'] is above 5\"]",
        '    s2["say #quot;no#quot;: made/say #quot;no#quot;"]',
        '    s0 -->|"web.jpeg"| s1',
        "    s0 --> s2",
    ]


def test_in_the_picture_arrows_go_from_left_to_right_and_boxes_do_not_overlap() -> None:
    found = drawing(graph(WEB, MAIL, spec("other", after=("web",)), spec("alone")))
    boxes = {one.name: one for one in found.boxes}

    assert boxes["web"].right < boxes["mail"].x == boxes["other"].x
    assert len({(one.x, one.y) for one in found.boxes}) == 4
    assert len(found.arrows) == 2
    assert all(one.right <= found.width and one.middle < found.height for one in found.boxes)


def test_the_leaves_of_a_tree_are_its_names() -> None:
    assert leaves(["a", ["b", ["c"]], None]) == ["a", "b", "c"]
    assert leaves(None) == []
