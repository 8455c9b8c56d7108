"""Peers that fall silent, and that come back: both are the leader's to say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db import DatabaseError

from offload.conf import peers, settings
from offload.core.peers.presence import Watched, is_silent, may_return, watched
from offload.fleet.duties import Duty
from offload.fleet.leadership import leading
from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.peers.hearing import locked
from offload.peers.kinds import OUTBOXES
from offload.signals import Alarm, AlarmKind, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.fleet.leadership import Term

#: Seconds between two looks, and without one until the observer counts as having paused.
POLL_SECONDS, PAUSE_SECONDS = 1.0, 4.0


class SilenceObserver:
    """Counts for how long each peer is without a new announcement, by its own clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing heard; ``clock`` returns seconds that only grow."""
        self._clock = clock
        self._seen: dict[str, Watched] = {}
        self._looked: float | None = None

    def sweep(self, term: Term) -> int:
        """Declare peers silent, or present again; return how many changed.

        Peers that the settings do not name any more fall silent like all others.
        """
        changed = 0
        for peer in self._read():
            still = is_silent(self._seen[peer.name], self._clock(), settings().timeout)
            if still and peer.silent_since is None:
                changed += _declare(term, peer)
            elif not still and peer.silent_since is not None:
                changed += _lift(term, peer)
        return changed

    def _read(self) -> list[Peer]:
        """Read all peers that were ever heard; a failed or late read restarts every count."""
        now, before = self._clock(), self._looked
        self._looked = None
        found = list(Peer.objects.filter(heard_at__isnull=False))
        if before is None or now - before > PAUSE_SECONDS:
            self._seen.clear()
        self._seen = {one.name: watched(self._seen.get(one.name), one.beat, now) for one in found}
        self._looked = now
        return found


def _declare(term: Term, peer: Peer) -> bool:
    with leading(term):
        same = Peer.objects.filter(pk=peer.pk, beat=peer.beat, silent_since=None)
        if not same.update(silent_since=DatabaseNow()):
            return False
        raise_version()
    send(
        Alarm(
            f"nothing was heard of the cluster {peer.name} for {settings().timeout:g} s",
            "its jobs from here are moved; to see it: manage.py offload peers",
            AlarmKind.PEER_SILENT,
        )
    )
    return True


def _lift(term: Term, former: Peer) -> bool:
    """Count a silent peer as present again, once it knows of all that was moved."""
    if not _may_return(former):
        return False
    with leading(term):
        # Whoever withdraws while a peer is silent locks its row too.
        peer = locked(former.name, former.own_name)
        if not _may_return(peer):
            return False
        Peer.objects.filter(pk=peer.pk).update(silent_since=None)
        raise_version()
    return True


def _may_return(peer: Peer) -> bool:
    return peer.silent_since is not None and may_return(
        silent_since=peer.silent_since,
        heard_at=peer.heard_at,
        has_withdrawals=any(one.has_withdrawals(peer.name) for one in OUTBOXES),
    )


def has_peers() -> bool:
    """Tell whether the settings name other clusters, or did: jobs may be bound there."""
    if peers():
        return True
    try:
        return Peer.objects.filter(heard_at__isnull=False).exists()
    except DatabaseError:
        return True


def duty() -> Duty:
    """Return the duty; each leader counts anew."""
    do = SilenceObserver().sweep
    return Duty(name="observe peers", do=do, every=POLL_SECONDS, needs_term=True)
