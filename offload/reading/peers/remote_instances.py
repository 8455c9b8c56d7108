"""Instances of other clusters, as those announced them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.placement.topology import Mode
from offload.fleet.remote import instances_of
from offload.fleet.snapshots import snapshot
from offload.models import Peer
from offload.reading.rules.applied import read_applied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.placement.topology import InstanceInfo
    from offload.reading.rules.applied import Applied


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLine:
    """An instance of another cluster, as it announced itself."""

    info: InstanceInfo
    #: Jobs that it runs, and that it could hold besides; None where it does not say.
    running: int | None
    room: int | None
    #: The rules of its own cluster that it has applied; None where it does not say.
    applied: Applied | None = None

    @property
    def takes_work(self) -> bool:
        """Tell whether it says that it takes work."""
        return self.info.mode is Mode.READY and not self.info.is_off

    @property
    def shown(self) -> tuple[object, ...]:
        """Return the facts that pages show."""
        own = (self.applied.is_off, self.applied.rules) if self.applied else None
        return self.info, self.running, self.room, own


def lines(row: Peer) -> tuple[RemoteLine, ...]:
    """Return the instances of a cluster; those that cannot be read are left out."""
    found = instances_of(row, snapshot().switches)
    # If any can be read, it is a list that holds each of them.
    announced = {one["name"]: one for one in row.instances if _is_named(one)} if found else {}
    return tuple(_line(one, announced[one.nodename]) for one in found)


def applied_rules(names: Iterable[str]) -> dict[str, Applied]:
    """Return the rules of their own clusters that instances have applied, by the names here.

    Without any name of another cluster's instance, nothing is asked of the database.
    """
    peers = {one.partition("/")[0] for one in names if "/" in one}
    rows = Peer.objects.filter(pk__in=peers) if peers else ()
    found = (one for row in rows for one in lines(row))
    return {one.info.name: one.applied for one in found if one.applied is not None}


def _line(info: InstanceInfo, announced: Mapping[str, Any]) -> RemoteLine:
    return RemoteLine(
        info=info,
        running=_number(announced.get("load"), "running"),
        room=_number(announced, "room"),
        applied=read_applied(info.name, announced.get("applied") or {}),
    )


def _is_named(announced: object) -> bool:
    return isinstance(announced, dict) and isinstance(announced.get("name"), str)


def _number(announced: object, name: str) -> int | None:
    value = announced.get(name) if isinstance(announced, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
