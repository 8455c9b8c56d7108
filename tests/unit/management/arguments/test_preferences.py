"""Preferences on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

import pytest

from offload.management.arguments.preferences import preference, together


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("gpu:5", [[{"gpu": True}, 5]]),
        ("ram_gb>=64:0.5", [[{"ram_gb": {">=": 64}}, 0.5]]),
        ("labels=shared:-2", [[{"labels": ["shared"]}, -2]]),
        ("model=a:b:1", [[{"model": "a:b"}, 1]]),
        ("none", []),
    ],
)
def test_an_expression_and_its_weight_are_read(text: str, given: list[Any]) -> None:
    assert preference(text).given == given


@pytest.mark.parametrize("text", ["gpu", ":5", "gpu:", "gpu:much", "gpu:nan", "none:1"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is no (preference|requirement).*Write gpu"):
        preference(text)


def test_several_add_up() -> None:
    assert together(None) is None
    assert together([preference("gpu:5"), preference("gpu:-2")]) == [[{"gpu": True}, 3]]
