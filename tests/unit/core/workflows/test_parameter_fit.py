"""Parameters of a workflow: names and simple types."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from offload.core.workflows import parameter_fit


def whole(*, width: int = 5, title: str | None, scale: float = 1.0, kind: Literal["a", "b"] = "a",
          pages: list[int] | None = None, odd: Any = None) -> None:  # fmt: skip
    """Take parameters of several types."""


def positional(one: int, /) -> None:
    """Take what cannot be named."""


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"title": "x"}, ""),
        ({"title": None, "scale": 2, "kind": "b", "pages": [1], "odd": object()}, ""),
        ({}, "needs 'title'"),
        ({"title": "x", "widht": 3}, "does not take 'widht'; did you mean 'width'?"),
        ({"title": 5}, "takes str | None for 'title', not 5"),
        ({"title": "x", "width": "5"}, "takes int for 'width', not '5'"),
        ({"title": "x", "width": True}, "takes int for 'width', not True"),
        ({"title": "x", "kind": "c"}, "takes one of 'a', 'b' for 'kind', not 'c'"),
        ({"title": "x", "pages": {}}, "takes list[int] | None for 'pages', not {}"),
    ],
)
def test_parameters_fit_or_the_reason_is_said(given: dict[str, Any], problem: str) -> None:
    assert parameter_fit.problem(whole, given) == problem


def test_what_cannot_be_named_cannot_be_started() -> None:
    assert "positional arguments only" in parameter_fit.problem(positional, {})


def test_parameters_are_shown_as_they_are_written() -> None:
    assert parameter_fit.described(positional) == "one: 'int'"
    assert parameter_fit.described(whole).startswith("width: 'int' = 5, title: 'str | None'")
