"""Outboxes for other clusters: sent when they are due, and again until they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers
from offload.db import database
from offload.fleet import snapshots
from offload.fleet.duties import Duty
from offload.messaging import clusters
from offload.models import SeenMessage
from offload.peers import sending
from offload.peers.kinds import OUTBOXES
from offload.peers.requests import outbox

if TYPE_CHECKING:
    from offload.peers.kinds import Outbox

#: Contents per peer and outbox at once.
BATCH = 100
#: Messages that may wait for a peer before nothing is added.
WAITING_MAX = 2_000
SEEN = SeenMessage._meta.db_table
#: Nonces that are deleted at once.
PURGE_BATCH = 5_000


def drain() -> int:
    """Send what is due to all peers; return how much, at most."""
    return max((_drain(peer, box) for peer in peers().by_name for box in OUTBOXES), default=0)


def drain_requests() -> int:
    """Send the requests that are due to the peers that have some; return how many, at most."""
    known = peers().by_name
    found = [one for one in outbox.peers_with_open() if one in known]
    return max((_drain(one, outbox.RequestOutbox()) for one in found), default=0)


def _drain(peer: str, box: Outbox) -> int:
    now = snapshots.now()
    contents = box.due(peer, now, BATCH)
    if not contents or is_full(peer) or not sending.send(peer, contents):
        return 0
    with database.atomic():
        box.sent(peer, contents, now)
    return len(contents)


def is_full(peer: str) -> bool:
    """Tell whether so much waits for a peer that nothing should be added."""
    try:
        return clusters.waiting(peer, peers().by_name[peer].broker) >= WAITING_MAX
    except Exception:
        # The sending says what is wrong with the broker.
        return False


def purge() -> int:
    """Forget nonces of messages that would be too old to be accepted; return how many."""
    oldest = database.later("-%(seconds)s")
    return database.execute(
        f"DELETE FROM {SEEN} WHERE id IN (SELECT id FROM {SEEN} WHERE seen_at < {oldest} "
        "ORDER BY seen_at LIMIT %(limit)s)",
        {"seconds": sending.LIMITS.memory_seconds, "limit": PURGE_BATCH},
    )


#: It needs no term: a message that is sent twice is answered twice.
DRAIN = Duty(name="send to peers", do=drain, batch=BATCH)
REQUEST = Duty(name="send requests to peers", do=drain_requests, every=1.0, batch=BATCH)
FORGET = Duty(
    name="forget requests to peers", do=outbox.purge, every=3600.0, batch=outbox.PURGE_BATCH
)
PURGE = Duty(name="forget messages of peers", do=purge, every=60.0, batch=PURGE_BATCH)
