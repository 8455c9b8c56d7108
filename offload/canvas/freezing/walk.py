"""The walk through a canvas: its single tasks, in the order in which its parts are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Parts(NamedTuple):
    """The parts of a chain, group or chord: one signature, several, or a generator."""

    #: The header of a chord.
    header: Any
    #: The tasks of a chain or group; the body of a chord.
    inner: Any


@dataclass(frozen=True, slots=True)
class Node:
    """A single task of a canvas."""

    #: Celery's own object, so that options can be added to it.
    signature: Any
    #: Whether its chord, if it has one, was applied, so that somebody counts it.
    is_counted: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """Return its options."""
        return options_of(self.signature)

    @property
    def id(self) -> str:
        """Return the id that it was frozen with, or ""."""
        return str(self.options.get("task_id") or "")


def parts_of(signature: Mapping[str, Any]) -> Parts | None:
    """Return the parts of a signature, or None for a single task; leave lazy parts unread."""
    given = signature.get("kwargs")
    kwargs = given if isinstance(given, Mapping) else {}
    match signature.get("subtask_type"):
        case "chain" | "group":
            return Parts(header=None, inner=kwargs.get("tasks"))
        case "chord":
            return Parts(header=kwargs.get("header"), inner=kwargs.get("body"))
    return None


def walk(
    given: object,
    *,
    parts: Callable[[Mapping[str, Any]], Parts | None] = parts_of,
    rest: bool = False,
    counted: bool = True,
) -> Iterator[Node]:
    """Yield the single tasks of one signature or several; leave out what is no signature.

    ``parts`` says which signatures are taken apart, and into what. ``rest`` yields what follows in
    the chain of each signature too, and ``counted`` is said of all but the headers of chords.
    """
    if isinstance(given, list | tuple):
        for one in given:
            yield from walk(one, parts=parts, rest=rest, counted=counted)
    if not isinstance(given, Mapping):
        return
    found = parts(given)
    if found is None:
        yield Node(given, counted)
    header, inner = found or (None, None)
    yield from walk(header, parts=parts, rest=rest, counted=False)
    behind = options_of(given).get("chain") if rest else None
    for part in (inner, behind):
        yield from walk(part, parts=parts, rest=rest, counted=counted)


def frozen(given: object) -> Iterator[Node]:
    """Yield the single tasks that have ids already, the rest of chains included."""
    return (node for node in walk(given, rest=True) if node.id)


def members(group: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the signatures in a group, chains and chords whole; nested groups are flattened."""
    return (node.signature for node in walk(group, parts=_of_group))


def _of_group(signature: Mapping[str, Any]) -> Parts | None:
    return parts_of(signature) if signature.get("subtask_type") == "group" else None


def first(canvas: object) -> Iterator[Any]:
    """Yield the single tasks of a canvas that wait for no other; lazy parts are left out."""
    return (node.signature for node in walk(canvas, parts=_beginning))


def _beginning(signature: Mapping[str, Any]) -> Parts | None:
    parts = parts_of(signature)
    if parts is None:
        return None
    begins = parts.header if isinstance(parts.header, Mapping | list | tuple) else parts.inner
    if signature.get("subtask_type") == "chain" and isinstance(begins, list | tuple):
        begins = begins[:1]
    return Parts(header=None, inner=begins)


def many(value: Any) -> list[Any]:
    """Return one signature, several, or none as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else list(value)


def options_of(signature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a signature; none for what cannot be read."""
    options = signature.get("options")
    return options if isinstance(options, Mapping) else {}
