"""Whether a function can be a job at all, and whether it can be called as a job asks."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidConsumer, WrongCall
from offload.core.parameters import kind_of, takes_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_RUN = (
    "it is {kind}, which a call only prepares, and a worker only calls. Write a plain function "
    "that returns its result{awaiting}."
)
AWAITING = "; one that awaits something can call asyncio.run()"
NO_FUNCTION = "it is no function with a name. Write def consume(job, *, width), and call it there."
NO_JOB = "it takes no job. Write the job as its first parameter: def consume(job, *, width)."


def check_named(function: object) -> None:
    """Raise InvalidConsumer for what is no function, or has no name as functools.partial() has."""
    if not (callable(function) and hasattr(function, "__name__")):
        raise InvalidConsumer(name=f"{function!r:.300}", problem=NO_FUNCTION)


def check_function(function: Callable[..., Any], name: str, *, given: int = 0) -> None:
    """Raise InvalidConsumer for a function of which a call runs nothing, or takes too little."""
    kind = kind_of(function)
    if kind:
        awaiting = AWAITING if "async" in kind else ""
        problem = NOT_RUN.format(kind=kind, awaiting=awaiting)
        raise InvalidConsumer(name=name, problem=problem)
    if not takes_arguments(function, given):
        raise InvalidConsumer(name=name, problem=NO_JOB)


def call(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a task's function and return its value.

    Raise WrongCall where it cannot be called so, or returns what nobody awaits: another attempt
    would come to the same.
    """
    problem = _mismatch(function_of(task), args, kwargs)
    if problem:
        raise WrongCall(f"{task.name}() cannot be called so: {problem}")
    value = task.run(*args, **kwargs)
    if inspect.iscoroutine(value):
        value.close()
        raise WrongCall(f"{task.name}() returned a coroutine, which nobody awaits")
    return value


def function_of(task: Any) -> Callable[..., Any]:
    """Return the function itself, which Celery's autoretry hides."""
    found: Callable[..., Any] = getattr(task, "_orig_run", task.run)
    return found


def _mismatch(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    known = _signature(function)
    if known is None:
        return ""
    try:
        known.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        # What a decorator hands on is what it takes itself: it may add to it.
        return inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return None
