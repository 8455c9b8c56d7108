"""Other clusters for people: what was heard of them, and what was refused; few statements."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.conf import peers, settings
from offload.core.moments import between
from offload.core.peers.peer_switches import ALL, PeerSwitch
from offload.core.peers.signing import PEER_VERSION
from offload.fleet.snapshots import snapshot
from offload.models import Peer, PeerRefusal
from offload.models.fields import DatabaseNow
from offload.reading.peers import remote_instances
from offload.reading.rules import peer_requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.core.peers.configuration import PeerConfig
    from offload.core.peers.peer_switches import PeerSwitches, Position
    from offload.reading.peers.remote_instances import RemoteLine
    from offload.reading.rules.peer_requests import RequestLine

#: Seconds by which clocks may differ before it is a warning, and before it is critical.
CLOCK_WARN_SECONDS, CLOCK_CRITICAL_SECONDS = 1.0, 5.0


#: Heartbeats within which a cluster that is well is heard.
LATE_HEARTBEATS = 3


def within_seconds() -> float:
    """Return the seconds within which a cluster that is well is heard."""
    return LATE_HEARTBEATS * settings().heartbeat


class ClockLevel(enum.StrEnum):
    """How bad a difference of clocks is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalLine:
    """Refused messages in a peer's name, for one reason."""

    kind: str
    count: int
    age_seconds: float
    #: Of the last one.
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerLine:
    """Another cluster, as it is now."""

    name: str
    instances: tuple[RemoteLine, ...] = ()
    #: How many more it has, which did not fit into its announcement.
    left_out: int = 0
    #: Seconds since something was heard of it; None if nothing ever was.
    heard_ago: float | None = None
    heard_at: datetime | None = None
    #: Seconds since it counts as silent; None if it does not.
    silent_for: float | None = None
    #: Seconds for which its jobs may still begin here; None if they may not.
    lease_left: float | None = None
    #: Seconds by which its clock is ahead; None if unknown.
    clock_ahead: float | None = None
    #: The id of the key that it signs with, and of the one that is signed with here.
    key_id: str = ""
    own_key_id: str = ""
    #: The version of the protocol that it speaks, and the one spoken here.
    protocol: int | None = None
    own_protocol: int = PEER_VERSION
    #: The name by which it knew this cluster last, if that is another one now.
    former_name: str = ""
    refusals: tuple[RefusalLine, ...] = ()
    #: Whether it says that it takes jobs from here.
    is_accepting: bool = True
    #: Whether it says that its rules may be changed from here.
    lets_rule: bool = False
    #: The latest requests to change its rules, the newest first.
    requests: tuple[RequestLine, ...] = ()
    #: Its own switches, each in its position.
    switches: tuple[Position, ...] = ()
    #: The switches of all clusters, each in its position.
    for_all: tuple[Position, ...] = ()

    @property
    def clock_level(self) -> ClockLevel:
        """Return how bad the difference of the clocks is."""
        off = abs(self.clock_ahead or 0.0)
        if off >= CLOCK_CRITICAL_SECONDS:
            return ClockLevel.CRITICAL
        return ClockLevel.WARNING if off >= CLOCK_WARN_SECONDS else ClockLevel.OK

    @property
    def is_late(self) -> bool:
        """Tell whether announcements are missing, before that is silence."""
        return self.heard_ago is None or self.heard_ago > within_seconds()

    @property
    def shown(self) -> tuple[object, ...]:
        """Return the facts that pages show, without ages: they change all the time."""
        instances = [one.shown for one in self.instances]
        refused = [(one.kind, one.count) for one in self.refusals]
        silence = self.silent_for is not None, self.is_late
        spoken = self.clock_level, self.key_id, self.protocol, self.former_name
        switched = self.is_accepting, self.lets_rule, self.switches, self.for_all
        asked = [one.shown for one in self.requests]
        return (self.name, silence, spoken, self.left_out, instances, refused, switched, asked)

    @property
    def off_for_all(self) -> tuple[Position, ...]:
        """Return the switches of all clusters that are off."""
        return tuple(one for one in self.for_all if not one.is_on)

    @property
    def leader(self) -> str:
        """Return the nodename of the instance that leads it, or ""."""
        return next((one.info.nodename for one in self.instances if one.info.is_leader), "")

    @property
    def ready(self) -> int:
        """Return how many of its instances say that they take work; none while it is silent."""
        return 0 if self.silent_for is not None else sum(one.takes_work for one in self.instances)


def read() -> tuple[PeerLine, ...]:
    """Return the clusters that the settings name; without any, ask nothing."""
    config = peers()
    if not config:
        return ()
    rows = {row.pk: row for row in Peer.objects.annotate(read_at=DatabaseNow())}
    refused = list(PeerRefusal.objects.annotate(read_at=DatabaseNow()))
    lines = (
        _line(one, config.own_name, rows.get(one.name), refused) for one in config.by_name.values()
    )
    switches, asked = snapshot().switches, peer_requests.by_peer()
    return tuple(
        replace(
            one,
            switches=positions(switches, one.name),
            for_all=positions(switches, ALL),
            requests=asked.get(one.name, ()),
        )
        for one in lines
    )


def positions(switches: PeerSwitches, peer: str) -> tuple[Position, ...]:
    """Return the positions of the switches of one cluster, or of ALL, in their order."""
    return tuple(switches.position(one, peer) for one in PeerSwitch)


def unknown_refusals() -> tuple[RefusalLine, ...]:
    """Return the refused messages that name no key known here; without peers, ask nothing."""
    if not peers():
        return ()
    return _refusals("", list(PeerRefusal.objects.filter(peer="").annotate(read_at=DatabaseNow())))


def _line(
    config: PeerConfig, own_name: str, row: Peer | None, refused: Sequence[PeerRefusal]
) -> PeerLine:
    known = {"own_key_id": config.keys[0].id, "refusals": _refusals(config.name, refused)}
    if row is None or row.heard_at is None:
        return PeerLine(name=config.name, **known)  # type: ignore[arg-type]
    now: datetime = row.read_at  # type: ignore[attr-defined]
    left = between(now, row.lease_until) if row.lease_until else 0.0
    return PeerLine(
        name=config.name,
        instances=remote_instances.lines(row),
        left_out=row.left_out,
        heard_ago=max(0.0, between(row.heard_at, now)),
        heard_at=row.heard_at,
        silent_for=between(row.silent_since, now) if row.silent_since else None,
        lease_left=left if left > 0 else None,
        clock_ahead=row.clock_ahead,
        key_id=row.key_id,
        protocol=row.protocol,
        is_accepting=row.is_accepting,
        lets_rule=row.lets_rule,
        former_name=row.own_name if row.own_name != own_name else "",
        **known,  # type: ignore[arg-type]
    )


def _refusals(peer: str, rows: Sequence[PeerRefusal]) -> tuple[RefusalLine, ...]:
    return tuple(
        RefusalLine(
            kind=row.kind,
            count=row.count,
            age_seconds=max(0.0, between(row.last_at, row.read_at)),  # type: ignore[attr-defined]
            detail=row.detail,
        )
        for row in rows
        if row.peer == peer
    )
