"""Which topics may travel between clusters: ``SEND`` and ``ACCEPT``, patterns by peer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.topics import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class PeerPatterns:
    """The topics that may travel one way, by the peer; nothing travels without a pattern."""

    by_peer: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, configured: Mapping[str, Iterable[str]]) -> PeerPatterns:
        """Read patterns by peer; raise InvalidPattern for an invalid text."""
        return cls({peer: tuple(map(Pattern.parse, texts)) for peer, texts in configured.items()})

    def permits(self, peer: str, topic: str) -> bool:
        """Tell whether a job of this valid topic may travel to, or from, the peer."""
        return any(pattern.matches(topic) for pattern in self.by_peer.get(peer, ()))
