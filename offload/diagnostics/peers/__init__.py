"""Other clusters: whether they are heard, and whether their sites are reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics.peers import known_peers, peer_sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.diagnostics.finding import Finding


def examine() -> Iterator[Finding]:
    """Yield findings about each cluster that the settings name, and about its site."""
    yield from known_peers.examine()
    yield from peer_sites.examine()
