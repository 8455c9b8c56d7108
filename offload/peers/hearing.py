"""Announcements of other clusters: who is there, and until when their jobs may begin here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from offload.conf import lease_time, peers, settings
from offload.core.moments import between
from offload.core.peers.contents import Confirmation
from offload.core.peers.presence import is_news, lease_expires
from offload.core.peers.signing import PEER_VERSION
from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.peers.requests import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.peers.contents import PeerAnnouncement
    from offload.core.peers.messages import PeerMessage

#: Facts of an announced instance that change all the time, and that no decision rests on.
FLEETING = frozenset({"load", "room", "applied"})
#: Heartbeats without an announcement after which a cluster has been away.
AWAY_HEARTBEATS = 3


def hear(
    message: PeerMessage, content: PeerAnnouncement, now: datetime
) -> tuple[Confirmation, ...]:
    """Note an announcement, unless a later one was heard before; confirm it at once (P8).

    A peer that was silent, or does not know such answers, gets none (P9).
    """
    peer = locked(message.sender, message.receiver)
    if not is_news(content.beat, peer.beat):
        return ()
    confirms = content.hears_apart and peer.silent_since is None
    instances = [dict(one) for one in content.instances]
    changed = (
        peer.heard_at is None
        or content.is_accepting != peer.is_accepting
        or content.lets_rule != peer.lets_rule
        or _lasting(instances) != _lasting(peer.instances)
    )
    Peer.objects.filter(pk=peer.pk).update(
        own_name=message.receiver,
        term=content.term,
        beat=content.beat,
        heard_at=DatabaseNow(),
        clock_ahead=-between(message.sent_at, now),
        key_id=message.key_id,
        protocol=PEER_VERSION,
        instances=instances,
        left_out=content.left_out,
        is_accepting=content.is_accepting,
        lets_rule=content.lets_rule,
        moving=[dict(one) for one in content.moving],
        hears_apart=content.hears_apart,
        confirmed=content.beat if confirms else peer.confirmed,
        lease_until=_lease(peer, content),
    )
    if changed:
        raise_version()
    if _was_away(peer, now):
        outbox.hurry(peer.pk)
    return (Confirmation(confirms=content.beat, lease=lease_time()),) if confirms else ()


def take_confirmation(
    sender: str, content: Confirmation, now: datetime
) -> tuple[Confirmation, ...]:
    """Extend the lease that a peer gives, as its next announcement would."""
    peer = locked(sender, peers().own_name)
    Peer.objects.filter(pk=peer.pk).update(lease_until=_lease(peer, content))
    return ()


def locked(name: str, own_name: str) -> Peer:
    """Return the row of a peer, locked; make it if this is the first time.

    Rows of peers are locked after the lease and queues, and before the topology's version.
    """
    Peer.objects.bulk_create([Peer(name=name, own_name=own_name)], ignore_conflicts=True)
    found: Peer = Peer.objects.select_for_update().get(pk=name)
    return found


def _was_away(peer: Peer, now: datetime) -> bool:
    """Tell whether nothing was heard of a peer for some time: what it was sent may be lost."""
    if peer.heard_at is None or peer.silent_since is not None:
        return True
    return between(peer.heard_at, now) > AWAY_HEARTBEATS * settings().heartbeat


def _lease(peer: Peer, content: PeerAnnouncement | Confirmation) -> datetime | None:
    """Return the end of the lease, which is never shortened by a later announcement."""
    ends = lease_expires(peer.sent, content.confirms, content.lease)
    if ends is None:
        return peer.lease_until
    found = datetime.fromtimestamp(ends, UTC)
    return found if peer.lease_until is None else max(found, peer.lease_until)


def _lasting(instances: object) -> list[Mapping[str, Any]]:
    """Return those facts of announced instances that decisions may rest on."""
    rows = instances if isinstance(instances, list) else []
    return [
        {name: value for name, value in one.items() if name not in FLEETING}
        for one in rows
        if isinstance(one, dict)
    ]
