"""The choice of another cluster for a whole run: where every one of its steps can be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.placement.affinity import cluster_word
from offload.core.placement.reasons import Obstacle, Reason, Verdict
from offload.core.placement.routing import plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.cluster_order import Load
    from offload.core.placement.routing import Need
    from offload.core.placement.topology import Topology

#: Obstacles that keep an instance from any step of a run: rules there are for people to change.
RULED_OUT = frozenset({Obstacle.OFF, Obstacle.DENIED, Obstacle.NOT_ALLOWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The clusters that can do every step, and why the others cannot."""

    #: By the word for a cluster, such as ``render/*``: its instances that may do steps.
    candidates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: One per cluster, under that word.
    verdicts: tuple[Verdict, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Return the words for the clusters that can."""
        return frozenset(self.candidates)

    @property
    def problem(self) -> str:
        """Return why none can, as sentences; "" if one can."""
        if self.candidates:
            return ""
        if not self.verdicts:
            return "No other cluster is known. Name one in PEERS, and start it."
        details = [one.reason.detail for one in self.verdicts if one.reason]
        return " ".join(["No other cluster can do every step.", *details])


def whole(needs: Sequence[Need], topology: Topology, now: datetime, *, only: str = "") -> Whole:
    """Return which clusters can and may do jobs of all these needs, each at some instance there.

    An instance that rules here keep from one of them does none. ``only`` is the name of the one
    cluster that may be chosen, "" for any.
    """
    judged = {one: plan(one, topology, now).verdicts for one in dict.fromkeys(needs)}
    peers = sorted({one.peer for one in topology.remote if not only or one.peer == only})
    found, verdicts = {}, []
    for peer in peers:
        there = {one.name for one in topology.remote if one.peer == peer}
        mine = {
            need: {one.instance: one for one in every if one.instance in there}
            for need, every in judged.items()
        }
        free = tuple(sorted(name for name in there if not _is_ruled_out(name, mine)))
        reason = next(filter(None, (_missing(peer, one, mine[one], free) for one in mine)), None)
        word = cluster_word(peer)
        verdicts.append(Verdict(instance=word, task=None, reason=reason))
        if reason is None:
            found[word] = free
    return Whole(candidates=found, verdicts=tuple(verdicts))


def chosen(found: Whole, load: Load) -> str:
    """Return the word for the cluster whose instances have the fewest jobs each; "" for none."""
    if not found.candidates:
        return ""
    return min(sorted(found.candidates), key=lambda one: _busy(found.candidates[one], load))


def _busy(names: Sequence[str], load: Load) -> float:
    return sum(load.get(one, 0) for one in names) / len(names)


def _is_ruled_out(name: str, judged: Mapping[Need, Mapping[str, Verdict]]) -> bool:
    found = [every[name].reason for every in judged.values() if name in every]
    return any(one is not None and one.obstacle in RULED_OUT for one in found)


def _missing(
    peer: str, need: Need, verdicts: Mapping[str, Verdict], free: Sequence[str]
) -> Reason | None:
    """Return why no instance of a cluster can do one of the steps; None if one can."""
    if any(verdicts[name].can_run for name in free if name in verdicts):
        return None
    reasons = [one.reason for one in verdicts.values() if one.reason]
    if not reasons:
        sentence = f"{peer} has no instance that rules here let do every step."
        return Reason(obstacle=Obstacle.DENIED, detail=sentence)
    nearest = min(reasons, key=lambda one: one.obstacle.distance)
    detail = f"{peer} cannot do {need.topic}: {nearest.detail}"
    return Reason(obstacle=nearest.obstacle, detail=detail, rule_id=nearest.rule_id)
