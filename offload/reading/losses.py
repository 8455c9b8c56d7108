"""Instances that should be here and are not: those that died lately, and those that are silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offload.reading.lines import InstanceLine

#: Instances that are named; more of them are counted.
NAMED_INSTANCES = 5


def died(every: Sequence[InstanceLine]) -> tuple[InstanceLine, ...]:
    """Return the instances that went lately without a goodbye."""
    return tuple(one for one in every if one.has_died)


def silent(every: Sequence[InstanceLine]) -> tuple[InstanceLine, ...]:
    """Return the instances that do not beat, and that nobody has declared gone."""
    return tuple(one for one in every if one.is_silent)


def told(every: Sequence[InstanceLine]) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of both, each with the next step."""
    if found := silent(every):
        names = _some([one.name for one in found])
        what = f"No sign of life, and not declared gone: {names}."
        yield what, "Look at their hosts and at the logs of their workers."
    if found := died(every):
        names = _some([f"{one.name} ({one.gone_because or 'unknown why'})" for one in found])
        what = f"Died within the last day, and not back: {names}."
        yield (
            what,
            "Start them again; 'manage.py offload instances --all' says when they last beat.",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_INSTANCES} more" if len(names) > NAMED_INSTANCES else ""
    return ", ".join(names[:NAMED_INSTANCES]) + more
