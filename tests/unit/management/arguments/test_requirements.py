"""Requirements on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

import pytest

from offload.management.arguments.requirements import requirement, together

DEEP = "gpu>=" + "[" * 100_000


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("gpu", {"gpu": True}),
        ("gpu=false", {"gpu": False}),
        ("ram_gb>=64", {"ram_gb": {">=": 64}}),
        ("ram_gb < 1.5", {"ram_gb": {"<": 1.5}}),
        ("model=a100", {"model": "a100"}),
        ("model==a100", {"model": "a100"}),
        ('rack="3"', {"rack": "3"}),
        ("model!=v 100", {"model": {"!=": "v 100"}}),
        ("labels=licensed", {"labels": ["licensed"]}),
        ("none", {}),
    ],
)
def test_an_expression_is_read(text: str, given: dict[str, Any]) -> None:
    assert requirement(text).given == given


@pytest.mark.parametrize("text", ["", "=3", "ram_gb>=", "ram_gb>=many", "a b=1", "labels>=2", DEEP])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is no requirement.*Write gpu"):
        requirement(text)


def test_all_expressions_hold_together() -> None:
    given = [requirement(one) for one in ("gpu", "ram_gb>=8", "ram_gb>=64", "labels=a", "labels=b")]

    assert together(given) == {"gpu": True, "ram_gb": {">=": 64}, "labels": ["a", "b"]}
    assert together(None) is None
    assert together([requirement("none")]) == {}
