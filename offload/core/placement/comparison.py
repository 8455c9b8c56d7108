"""Two topologies compared: what instances may run after a change of rules and not before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.judgement import (
    Need,
    allowed,
    consumer_for,
)
from offload.core.placement.travel import kept_here, switched_off_between
from offload.core.topics import examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """An instance that has a consumer for a topic or a pattern, and may run it."""

    instance: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The permissions that a change gives and takes, in order."""

    opened: tuple[Permission, ...] = ()
    closed: tuple[Permission, ...] = ()
    #: Topics and patterns that an instance could and might run, and none does any more.
    stranded: tuple[str, ...] = ()

    @property
    def topics(self) -> frozenset[str]:
        """Return the topics and patterns that are opened or closed somewhere."""
        return frozenset(one.topic for one in (*self.opened, *self.closed))


def compare(before: Topology, after: Topology, rows: Iterable[str], now: datetime) -> Comparison:
    """Compare what the live instances, here and elsewhere, may run of these topics and patterns.

    An instance that starts, is silent or full may run what rules and switches let it.
    """
    texts = sorted(rows)
    live = (*after.live, *after.remote)
    names = [one.name for one in live if _ruling(one, after, now) != _old(one, before, now)]
    old, new = (_permissions(one, names, texts, now) for one in (before, after))
    closed = old - new
    left = {one.topic for one in closed}
    others = [one.name for one in live if one.name not in names]
    kept = {one.topic for one in (*new, *_permissions(after, others, sorted(left), now))}
    return Comparison(
        opened=tuple(sorted(new - old)),
        closed=tuple(sorted(closed)),
        stranded=tuple(sorted(left - kept)),
    )


def _ruling(instance: InstanceInfo, there: Topology, now: datetime) -> tuple[object, ...]:
    """Return all that decides what an instance may run."""
    rules = (rule for rule in there.rules if rule.in_force(now) and rule.applies_to(instance))
    effects = frozenset((rule.verb, rule.pattern) for rule in rules)
    reach = instance.send_off, instance.is_accepting, instance.sends
    return instance.is_off, instance.consumers, effects, reach


def _old(instance: InstanceInfo, before: Topology, now: datetime) -> tuple[object, ...] | None:
    known = before.instance(instance.name)
    return _ruling(known, before, now) if known else None


def _permissions(
    there: Topology, names: Iterable[str], rows: Sequence[str], now: datetime
) -> frozenset[Permission]:
    found = [one for one in map(there.instance, names) if one is not None]
    rules = [rule for rule in there.rules if rule.in_force(now)]
    return frozenset(
        Permission(one.name, row)
        for one in found
        for ruling in [[rule for rule in rules if rule.applies_to(one)]]
        for row in rows
        if _may(one, row, ruling)
    )


def _may(instance: InstanceInfo, row: str, in_force: Sequence[RoutingRule]) -> bool:
    """Tell whether it has a consumer for some of a row that no rule forbids."""
    return any(
        consumer_for(instance, topic)
        and allowed(Need(topic=topic), instance, in_force) is None
        and (kept_here(instance, topic) or switched_off_between(instance)) is None
        for topic in examples(row)
    )
