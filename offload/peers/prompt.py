"""Messages that go to peers at once; the leader sends again what is not answered."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from offload.conf import peers
from offload.db import database
from offload.dispatch import dispatching
from offload.dispatch.remote_sending import remote_sending
from offload.messaging.breaker import Breaker
from offload.peers import outboxes, sending
from offload.peers.travel import envelopes, reporting
from offload.tracking.peers import news

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.peers.contents import Content
    from offload.tracking.binding.bindings import BoundJob

#: Peers that could not be sent something a moment ago; who submits a job does not wait for them.
_breakers: defaultdict[str, Breaker] = defaultdict(Breaker)


def connect() -> None:
    """Let whoever binds jobs to a peer send them too."""
    remote_sending.do = send_bound


def send_bound(peer: str, bound: Sequence[BoundJob]) -> int:
    """Send jobs that were just bound to a peer (P1); return how many were sent."""
    if _is_unreachable(peer):
        return 0
    contents = envelopes.of(peer, bound)
    if not contents or not _sent(peer, contents):
        return 0
    with database.atomic():
        envelopes.note_sent(contents)
    return len(contents)


def report_ends() -> int:
    """Report to all homes what their clones here came to (P3); return how many reports were sent.

    What has begun, and progress, are left to the duty: most runs end before anybody asks.
    """
    return sum(_report_ends(home) for home in peers().by_name if not _is_unreachable(home))


def _report_ends(home: str) -> int:
    if not news.has_any(home):
        return 0
    with database.atomic():
        claimed = reporting.claim_ends(home, outboxes.BATCH)
    if claimed and not _sent(home, claimed):
        with database.atomic():
            reporting.put_back(home, claimed)
        return 0
    return len(claimed)


def refill() -> int:
    """Bind waiting jobs where peers have room, which sends them; return how many."""
    return dispatching.sweep(only_remote=True)


def _is_unreachable(peer: str) -> bool:
    return _breakers[peer].is_open or peer not in peers().by_name


def _sent(peer: str, contents: Sequence[Content]) -> bool:
    if outboxes.is_full(peer) or not sending.send(peer, contents):
        _breakers[peer].trip()
        return False
    return True
