"""The functions of a site that give properties to the instances it starts, as they are declared."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from offload.core.discovery.properties import name_problem
from offload.core.exceptions import InvalidNumber, InvalidProperty
from offload.core.texts import place_of
from offload.core.validation.bounds import PROPERTY_PACE

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[[], Any]")

#: Seconds from one call of a function to the next, unless it says otherwise.
EVERY_SECONDS = 60.0
#: Functions of a site: an agent has a thread for each.
PROVIDERS_MAX = 32

NO_NAME = "it has no name. Write @topology_property('gpu')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A function that returns the value of a property."""

    name: str
    function: Callable[[], Any]
    #: Seconds from one call to the next.
    every: float
    #: Where it is written.
    place: str


#: By name and place: a module that is loaded again declares the same ones.
declared: dict[tuple[str, str], Provider] = {}


def topology_property(name: str, *, every: float | timedelta = EVERY_SECONDS) -> Callable[[F], F]:
    """Declare a function that returns the value of a property of the instances it runs beside.

    ``name`` is the name of the property, such as ``"gpu.memory"``. The agent of each worker calls
    the function without arguments every ``every`` seconds, which may also be a timedelta. It
    returns a number, a text of at most 255 characters, True, False or None. If it raises or does
    not return, the property keeps its last value, and ``manage.py offload doctor`` says so.

    Declare it in a module that workers import, such as an app's ``consumers.py``. Other processes
    do not call it. A worker does not start if two places declare the same name.

    Raise InvalidProperty for a name or a function that cannot be used, InvalidNumber for an
    interval of less than 0.1 seconds or more than a day.
    """
    if callable(name):
        raise InvalidProperty(name=_name_of(name), problem=NO_NAME)
    if problem := name_problem(name):
        raise InvalidProperty(name=name, problem=f"it {problem}")
    pace = _seconds(every)

    def declare(function: F) -> F:
        if problem := _problem(function):
            raise InvalidProperty(name=name, problem=problem)
        _note(Provider(name=name, function=function, every=pace, place=_place(function)))
        return function

    return declare


def _note(provider: Provider) -> None:
    key = provider.name, provider.place
    if key not in declared and len(declared) >= PROVIDERS_MAX:
        problem = f"{PROVIDERS_MAX} functions give properties already, and more are not allowed"
        raise InvalidProperty(name=provider.name, problem=problem)
    declared[key] = provider


def _seconds(every: object) -> float:
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    if seconds not in PROPERTY_PACE:
        raise InvalidNumber(
            name="every", value=every, allowed=f"seconds, {PROPERTY_PACE}, or a timedelta"
        )
    return PROPERTY_PACE.nearest(seconds)


def _problem(function: object) -> str:
    """Say why nobody can call a function without arguments, or return nothing."""
    if not callable(function):
        return f"{_name_of(function)} is no function"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        return f"{_name_of(function)} is async or a generator, so a call of it returns no value"
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        return f"{_name_of(function)} cannot be called without arguments: {error}"
    return ""


def _name_of(function: object) -> str:
    return f"{getattr(function, '__name__', function)!r:.100}"


def _place(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    line = f" (line {code.co_firstlineno})" if code else ""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{place_of(named)}{line}"
