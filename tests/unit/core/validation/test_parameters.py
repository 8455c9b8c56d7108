from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.validation.parameters import Parameters, kind_of, takes_arguments

if TYPE_CHECKING:
    from collections.abc import Callable


def some(job: Any, width: int, *, height: int = 1, depth: int) -> None: ...
def others(job: Any, **names: Any) -> None: ...
def nameless(job: Any, width: int, /) -> None: ...
def hidden(job: Any, /, job_id: int) -> None: ...
def any_job(*args: Any, width: int) -> None: ...


@functools.wraps(some)
def decorated(*args: Any, **kwargs: Any) -> None: ...


def parameters(function: Callable[..., Any]) -> Parameters:
    """Return those of a function that is given the job."""
    found = Parameters.of(function, given=1)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (some, "depth width height= job!"),
        (others, "job! **"),
        (hidden, "job_id"),
        (any_job, "width"),
        # A decorator that injects an argument announces that nowhere.
        (decorated, "**"),
    ],
)
def test_they_are_announced_as_a_text_and_read_again(
    function: Callable[..., Any], text: str
) -> None:
    found = parameters(function)

    assert str(found) == text
    assert Parameters.read(text) == found


@pytest.mark.parametrize(
    ("function", "names", "problem"),
    [
        (some, {"width", "depth"}, ""),
        (some, {"width", "depth", "height"}, ""),
        (some, {"widht", "depth"}, "does not take 'widht'; did you mean 'width'?"),
        (some, {"depth"}, "needs 'width'"),
        (some, set(), "needs 'depth' and 'width'"),
        (some, ["width", "depth", "colour"], "does not take 'colour'; it takes height"),
        (some, ["job"], "cannot take 'job': that is the name of the job itself"),
        (others, {"self", "args", "kwargs"}, ""),
        (others, {"job"}, "cannot take 'job': that is the name of the job itself"),
        (decorated, {"anything"}, ""),
        (hidden, {"job_id"}, ""),
        (any_job, {"width"}, ""),
    ],
)
def test_a_call_that_cannot_be_made_is_told_with_the_nearest_name(
    function: Callable[..., Any], names: Any, problem: str
) -> None:
    assert parameters(function).problem(names) == problem


def test_a_very_long_name_is_told_in_short() -> None:
    assert len(parameters(some).problem(["x" * 1_000_000])) < 200


@pytest.mark.parametrize("function", [nameless, object()])
def test_what_properties_cannot_call_or_does_not_say_is_not_judged(function: Any) -> None:
    assert Parameters.of(function, given=1) is None


async def awaited() -> None: ...
async def streamed() -> Any:
    yield


def produced() -> Any:
    yield


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (awaited, "an async def"),
        (streamed, "an async generator"),
        (produced, "a generator"),
        (functools.partial(awaited), "an async def"),
        (some, ""),
        (functools.wraps(awaited)(decorated), ""),
    ],
)
def test_what_a_call_does_not_run_is_known(function: Callable[..., Any], kind: str) -> None:
    assert kind_of(function) == kind


def test_how_many_arguments_a_function_takes_by_position() -> None:
    assert [takes_arguments(some, count) for count in (1, 2, 3)] == [True, True, False]
    assert takes_arguments(any_job, 9)
    assert not takes_arguments(produced, 1)
