"""Instances to which no allow applies any more: they may do everything their consumers can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Verb
from offload.fleet.snapshots import now, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.models import Rule


def opened_by(removed: Iterable[Rule]) -> tuple[str, ...]:
    """Return the instances that are here and whose last allow is among these rules."""
    ids = {rule.pk for rule in removed}
    topology, moment = snapshot(fresh=True).topology, now()
    allows = [one for one in topology.rules if one.verb is Verb.ALLOW and one.in_force(moment)]
    mine = [[one for one in allows if one.applies_to(instance)] for instance in topology.live]
    pairs = zip(topology.live, mine, strict=True)
    return tuple(
        one.name for one, found in pairs if found and all(rule.id in ids for rule in found)
    )
