"""Messages to a peer: signed, and given to the broker that both use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.peers.messages import PeerLimits, PeerMessage, new_nonce, write
from offload.core.peers.refusal import PeerMessageRefused
from offload.fleet import snapshots
from offload.messaging import clusters
from offload.messaging.installation import current_installation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.peers.configuration import PeerConfig
    from offload.core.peers.contents import Content

logger = logging.getLogger("offload.peers")

LIMITS = PeerLimits()


def send(
    peer: str,
    contents: Sequence[Content],
    *,
    expires: float | None = None,
    apart: bool = False,
) -> bool:
    """Send contents to a peer; return whether the broker took them.

    A peer that the settings do not know any more is sent nothing. What is too large for a message
    is logged and left out. ``expires`` are seconds; ``apart`` says that these are of the presence
    of this cluster, which the peer takes from a queue of its own.
    """
    there = peers().by_name.get(peer)
    if there is None:
        return False
    bodies = [body for one in contents if (body := _signed(there, one)) is not None]
    try:
        clusters.send(peer, there.broker, bodies, expires=expires, apart=apart)
    except Exception as error:
        # Every transport has errors of its own for an unreachable broker.
        if current_installation.throttle.allows(f"peer {peer}"):
            logger.warning("nothing can be sent to %s now: %s", peer, str(error) or repr(error))
        return False
    return True


def _signed(peer: PeerConfig, content: Content) -> bytes | None:
    message = PeerMessage(
        sender=peers().own_name,
        receiver=peer.name,
        sent_at=snapshots.now(),
        nonce=new_nonce(),
        content=content,
    )
    try:
        return write(message, peer.keys[0], LIMITS)
    except PeerMessageRefused as refusal:
        logger.error("a %s for %s cannot be sent: %s", type(content).__name__, peer.name, refusal)
        return None
