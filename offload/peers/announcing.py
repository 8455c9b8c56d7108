"""The leader's announcements to other clusters: the life of this one, and its instances."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from offload.conf import lease_time, peers, settings
from offload.core.peers.contents import PeerAnnouncement
from offload.core.peers.peer_switches import PeerSwitch
from offload.core.peers.presence import confirmation, next_beat, remembered
from offload.files.transfers import noted, ways
from offload.fleet.duties import Duty
from offload.fleet.leadership import leading
from offload.fleet.snapshots import snapshot
from offload.messaging import clusters
from offload.models import Instance, Lease, Peer, Switch
from offload.models.fields import DatabaseNow
from offload.peers import sending
from offload.peers.hearing import locked
from offload.tracking.queries import loads_by_instance

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.peers.configuration import PeerConfig
    from offload.fleet.leadership import Term

#: Bytes of JSON that the instances of an announcement may take.
INSTANCES_BYTES_MAX = 512 * 1024
#: Least number of announcements in the time of a lease.
ANNOUNCEMENTS_PER_LEASE = 3
#: Announcements that may wait for a peer that is silent; not every broker drops expired ones.
WAITING_MAX = 20


def announce(term: Term) -> int:
    """Announce this cluster to each peer; return to how many."""
    instances, left_out = _bounded(announced())
    return sum(_announce(term, one, instances, left_out) for one in peers().by_name.values())


def _announce(
    term: Term, peer: PeerConfig, instances: tuple[dict[str, Any], ...], left_out: int
) -> bool:
    apart = Peer.objects.filter(pk=peer.name, hears_apart=True).exists()
    if _is_unread(peer, apart=apart):
        return False
    with leading(term):
        beat, confirms = _beat(peer.name)
    content = PeerAnnouncement(
        term=term.number,
        beat=beat,
        confirms=confirms,
        lease=lease_time(),
        instances=tuple({**one, "transports": ways.here(peer.name)} for one in instances),
        left_out=left_out,
        is_accepting=snapshot().switches.off(PeerSwitch.ACCEPT, peer.name) is None,
        lets_rule=peer.may_rule,
        moving=tuple(one.packed() for one in noted.moving(peer.name)),
        hears_apart=True,
    )
    return sending.send(peer.name, [content], expires=settings().timeout, apart=apart)


def _is_unread(peer: PeerConfig, *, apart: bool) -> bool:
    """Tell whether enough waits for a peer that nobody has heard lately."""
    present = Peer.objects.filter(pk=peer.name, heard_at__isnull=False, silent_since=None)
    if present.exists():
        return False
    try:
        return clusters.waiting(peer.name, peer.broker, apart=apart) >= WAITING_MAX
    except Exception:
        # The sending of the announcement says what is wrong with the broker.
        return False


def _beat(name: str) -> tuple[int, int]:
    """Return the next beat for a peer and the beat to confirm to it, and note both."""
    peer = locked(name, peers().own_name)
    now: datetime = Peer.objects.filter(pk=name).values_list(DatabaseNow(), flat=True).get()
    beat = next_beat(peer.own_beat, now)
    confirms = confirmation(
        heard=peer.beat, confirmed=peer.confirmed, is_silent=peer.silent_since is not None
    )
    Peer.objects.filter(pk=name).update(
        own_beat=beat,
        confirmed=confirms,
        sent=remembered(peer.sent, beat, now.timestamp()),
    )
    return beat, confirms


def announced() -> list[dict[str, Any]]:
    """Return the instances that are here, as other clusters are told of them, in join order."""
    rows = Instance.objects.live().order_by("joined")
    off = set(Switch.objects.values_list("pk", flat=True))
    leader = Lease.objects.values_list("incarnation", flat=True).first()
    bound = loads_by_instance()
    return [
        {
            **{name: getattr(row, name) for name in ANNOUNCED},
            "off": row.name in off,
            "leader": row.incarnation == leader,
            "room": max(0, row.window - bound.get(row.name, 0)),
            "load": row.load,
            "transports": ways.here(""),
        }
        for row in rows
    ]


#: Columns of an instance that are announced as they are.
ANNOUNCED = (
    "name", "incarnation", "mode", "consumers", "labels", "concurrency", "window", "can_kill",
    "can_limit", "protocol", "broken", "facts", "applied",
)  # fmt: skip


def _bounded(instances: list[dict[str, Any]]) -> tuple[tuple[dict[str, Any], ...], int]:
    """Return so many of the first instances as fit into a message, and how many do not."""
    fitting: list[dict[str, Any]] = []
    left = INSTANCES_BYTES_MAX
    for one in instances:
        size = len(json.dumps(one, ensure_ascii=False).encode("utf-8", "replace"))
        if size <= left:
            fitting.append(one)
            left -= size
    return tuple(fitting), len(instances) - len(fitting)


def pace() -> float:
    """Return the seconds between two announcements.

    Three make a lease, so that one may be late, or lost: what a lease is counted from is the last
    one that was confirmed.
    """
    return min(settings().heartbeat, lease_time() / ANNOUNCEMENTS_PER_LEASE)


def duty() -> Duty:
    """Return the duty, which keeps its pace whatever the sweeps do."""
    return Duty(name="announce to peers", do=announce, every=pace(), needs_term=True, is_paced=True)
