"""Instances of other clusters, as those announced them, and as candidates here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.conf import peers, settings
from offload.core.peers.field_checks import is_name
from offload.core.peers.peer_switches import PeerSwitch, PeerSwitches, Position
from offload.core.placement.topology import InstanceInfo, Mode
from offload.core.transfers.choice import preferred
from offload.fleet.instance_values import consumer_of
from offload.fleet.row_values import listed, readable, texts
from offload.messaging.names import queue_name
from offload.models import LinkSwitch, Peer

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest name of an instance, and of an incarnation, that a job's row holds, in characters.
NAME_MAX, INCARNATION_MAX = 255, 36
#: Largest number of jobs that another cluster's instance is taken to run, or to hold.
JOBS_MAX = 1_000_000


def remote(switches: PeerSwitches) -> tuple[InstanceInfo, ...]:
    """Return the instances of all peers; without any peer, nothing is asked of the database."""
    if not peers():
        return ()
    return tuple(one for peer in Peer.objects.all() for one in instances_of(peer, switches))


def read_switches() -> PeerSwitches:
    """Return the switches of the link to other clusters; without any peer, ask nothing."""
    config = peers()
    if not config:
        return PeerSwitches()
    positions = [_position(row) for row in LinkSwitch.objects.all()]
    return PeerSwitches(
        off_by_settings=config.switched_off,
        set_by_people={(one.peer, one.switch): one for one in positions},
    )


def _position(row: LinkSwitch) -> Position:
    return Position(
        peer=row.peer,
        switch=PeerSwitch(row.switch),
        is_on=row.is_on,
        is_set=True,
        by=row.by,
        since=row.since,
        note=row.note,
    )


def instances_of(peer: Peer, switches: PeerSwitches) -> tuple[InstanceInfo, ...]:
    """Return a peer's instances as it announced them; those that cannot be read are left out."""
    known = peers().by_name.get(peer.name)
    if known is None:
        return ()
    facts = {
        "is_silent": peer.silent_since is not None or peer.heard_at is None,
        "sends": known.sends,
        "sends_whole": known.sends_whole,
        "send_off": switches.why_off(PeerSwitch.SEND, peer.name),
        "is_accepting": peer.is_accepting,
        "stays": switches.off(PeerSwitch.MOVE, peer.name) is not None,
    }
    found = readable(listed(peer.instances), lambda one: _instance(peer.name, one, facts))
    return tuple(found)


def _instance(peer: str, announced: Mapping[str, Any], facts: Mapping[str, Any]) -> InstanceInfo:
    """Return an instance as a cluster announced it; raise what reading it raises.

    Whoever has the key may announce anything. ``facts`` are those of its cluster.
    """
    incarnation = announced["incarnation"]
    return InstanceInfo(
        name=_name(peer, announced["name"]),
        incarnation=_text(incarnation, INCARNATION_MAX),
        cluster=peer,
        peer=peer,
        **facts,
        transports=_transports(peer, announced.get("transports")),
        mode=Mode(announced["mode"]) if announced["mode"] in set(Mode) else Mode.SUSPECT,
        is_off=announced.get("off") is True,
        consumers=tuple(readable(listed(announced["consumers"]), consumer_of)),
        labels=texts(announced.get("labels")),
        concurrency=_count(announced["concurrency"]),
        window=_count(announced["window"]),
        can_kill=announced.get("can_kill") is True,
        can_limit=announced.get("can_limit") is True,
        protocol=_count(announced["protocol"]),
        broken=texts(announced.get("broken")),
        properties=_properties(announced.get("facts")),
        is_leader=announced.get("leader") is True,
        joined=0,
        queue=queue_name(announced["name"], peer),
    )


def _name(peer: str, value: object) -> str:
    """Return an instance's name here: its cluster's, a slash, and its nodename there."""
    return _text(f"{peer}/{_text(value, NAME_MAX)}", NAME_MAX)


def _transports(peer: str, announced: object) -> tuple[str, ...]:
    """Return the transports by which files may travel to a peer that announced those."""
    known = texts(announced)
    return tuple(one for one in preferred(settings().transports, peer) if one in known)


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str) or not is_name(value) or len(value) > longest:
        raise ValueError("a name of it cannot be used")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a number of it is none")
    return min(max(1, value), JOBS_MAX)


def _properties(value: object) -> dict[str, Any]:
    """Return announced properties, those that are plain values."""
    items = value.items() if isinstance(value, dict) else ()
    return {
        name: value
        for name, value in items
        if value is None or isinstance(value, str | int | float | bool)
    }
