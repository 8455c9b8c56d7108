"""Consumers that would never run: another one has their name, or their pattern and ranking."""

from __future__ import annotations

from collections import defaultdict
from inspect import unwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Declarations by the name of the task: pattern, file and line.
declared: dict[str, set[tuple[str, str, int]]] = defaultdict(set)


def note(name: str, pattern: str, function: Callable[..., Any]) -> None:
    """Remember what was declared under a name: Celery knows only the first of it."""
    code = getattr(unwrap(function), "__code__", None)
    place = (code.co_filename, code.co_firstlineno) if code else ("", 0)
    declared[name].add((pattern, *place))


def clashes(announced: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the conflicts, as sentences with the next step."""
    return [*_same_names(), *same_patterns(announced)]


def _same_names() -> list[str]:
    return [
        f"{len(places)} consumers have the name {name}, and only the first of them would run: "
        f"{_listed(places)}. Rename a function, or give it a name of its own: name='…'."
        for name, places in sorted(declared.items())
        if len(places) > 1
    ]


def _listed(places: Iterable[tuple[str, str, int]]) -> str:
    return ", ".join(f"{pattern!r} in {file}:{line}" for pattern, file, line in sorted(places))


def same_patterns(announced: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return which patterns several tasks consume with the same ranking."""
    tasks: dict[tuple[str, int], list[str]] = defaultdict(list)
    for one in announced:
        tasks[one["pattern"], one.get("ranking", 0)].append(one["task"])
    return [
        f"{' and '.join(sorted(names))} consume {pattern!r} with the ranking {ranking}, and only "
        "the first of them would run. Give each a topic of its own, or one a higher ranking=."
        for (pattern, ranking), names in sorted(tasks.items())
        if len(names) > 1
    ]
