"""Lost instances: those that died recently, and those that are silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offload.reading.cluster.lines import InstanceLine

#: Maximum number of instances named; the others are counted.
INSTANCES_NAMED_MAX = 5


def died(every: Sequence[InstanceLine]) -> tuple[InstanceLine, ...]:
    """Return the instances that recently left without saying goodbye."""
    return tuple(one for one in every if one.has_died)


def silent(every: Sequence[InstanceLine]) -> tuple[InstanceLine, ...]:
    """Return the instances without a recent heartbeat that are not declared gone."""
    return tuple(one for one in every if one.is_silent)


def warnings(every: Sequence[InstanceLine]) -> Iterator[tuple[str, str]]:
    """Yield a sentence about each group, with the next step."""
    if found := silent(every):
        names = _some([one.name for one in found])
        what = f"No sign of life, and not declared gone: {names}."
        yield what, "Look at their hosts and at the logs of their workers."
    if found := died(every):
        names = _some([f"{one.name} ({one.gone_because or 'reason unknown'})" for one in found])
        what = f"Died within the last day, and not back: {names}."
        yield (
            what,
            "Start them again; 'manage.py offload instances --all' says when they last beat.",
        )


def _some(names: Sequence[str]) -> str:
    more = (
        f" and {len(names) - INSTANCES_NAMED_MAX} more" if len(names) > INSTANCES_NAMED_MAX else ""
    )
    return ", ".join(names[:INSTANCES_NAMED_MAX]) + more
