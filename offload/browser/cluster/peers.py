"""The part of a page that shows other clusters and their instances; nothing there is changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.reading.peers.clusters import within_seconds

if TYPE_CHECKING:
    from offload.core.peers.peer_switches import Position
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.peers.clusters import PeerLine, RefusalLine


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersPart:
    """Other clusters, as the settings name them."""

    lines: tuple[PeerLine, ...]
    #: The switches of all of them.
    for_all: tuple[Position, ...]
    #: Refused messages that name no key known here.
    refusals: tuple[RefusalLine, ...]
    #: Seconds within which a cluster that is well is heard.
    within: int

    @property
    def known(self) -> int:
        """Return how many instances other clusters have."""
        return sum(len(one.instances) + one.left_out for one in self.lines)

    @property
    def ready(self) -> int:
        """Return how many of them say that they take work."""
        return sum(one.ready for one in self.lines)

    @classmethod
    def of(cls, facts: ClusterFacts) -> PeersPart:
        """Return the part for these facts."""
        within = math.ceil(within_seconds())
        return cls(
            lines=facts.peers,
            for_all=facts.peers[0].for_all if facts.peers else (),
            refusals=facts.refusals,
            within=within,
        )
