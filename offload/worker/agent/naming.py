"""Settling a worker's name before it starts, by what the worker says of itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.exceptions import NameInUse
from offload.core.placement.topology import Mode
from offload.embedded.process import boot_id
from offload.fleet import membership
from offload.fleet.membership import Announcement
from offload.models import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds between two looks at the beat of who has the name.
NAME_LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Rival:
    """Who has the name, and since when its beat stands still."""

    incarnation: str
    beat: int
    since: float


def announced(spec: Mapping[str, Any]) -> Announcement:
    """Return what a worker announces, of what it told its agent."""
    return Announcement(
        name=str(spec["name"]),
        pid=spec["pid"],
        consumers=spec["consumers"],
        concurrency=spec["concurrency"],
        can_kill=spec["can_kill"],
        can_limit=spec["can_limit"],
        labels=spec["labels"],
        facts=membership.facts(),
    )


def settle(announcement: Announcement, *, again: bool = False) -> str:
    """Take the name and return the incarnation.

    A restarted agent goes on with the incarnation of its worker. Where somebody else has the
    name, wait for the timeout; raise NameInUse if the other one still beats.
    """
    # A6
    if again and (incarnation := _mine(announcement)):
        return incarnation
    rival: Rival | None = None
    while True:
        incarnation = membership.join(announcement) or ""
        if incarnation:
            return incarnation
        row = Instance.objects.get(pk=announcement.name)
        rival = _look(row, rival)
        if time.monotonic() - rival.since > settings().timeout:
            reason = "its beat stood still and another worker takes its name"
            membership.declare_gone(row.name, row.incarnation, beat=row.beat, reason=reason)
        time.sleep(NAME_LOOK_SECONDS)


def _look(row: Instance, rival: Rival | None) -> Rival:
    """Return who has the name; raise NameInUse where it was seen to beat."""
    if rival is None:
        return Rival(row.incarnation, row.beat, time.monotonic())
    if (row.incarnation, row.beat) != (rival.incarnation, rival.beat):
        raise NameInUse(name=row.name, host=row.host, pid=row.pid)
    return rival


def _mine(announcement: Announcement) -> str | None:
    """Return the incarnation this worker has already, if it was not declared gone."""
    mine = Instance.objects.filter(pk=announcement.name, pid=announcement.pid)
    row = mine.exclude(mode=Mode.GONE).filter(boot_id=boot_id()).first()
    return row.incarnation if row else None
