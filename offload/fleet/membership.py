"""Membership: instances join, send heartbeats, change their mode, and leave."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db.models import Case, F, Max, Value, When

from offload.conf import settings
from offload.core.placement.topology import PROTOCOL_VERSION, Mode
from offload.core.retries import Cause
from offload.core.validation.bounds import WINDOW
from offload.db import database
from offload.db.conflicts import retried
from offload.embedded.process import boot_id, started
from offload.fleet.giving_back import give_back
from offload.fleet.row_values import GOODBYE
from offload.models import Instance, Slot
from offload.models.fields import DatabaseNow
from offload.models.instances import INCARNATION, LIVES
from offload.models.versions import lock_version, raise_version
from offload.signals import ModeChange
from offload.tracking import selectors
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.placement.instance_conditions import Trouble

INSTANCE = Instance._meta.db_table
SLOT = Slot._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An instance's description of itself when it joins."""

    name: str
    pid: int
    #: ``pattern``, ``task``, ``ranking``, and ``limit``: whether the task has time limits.
    consumers: Sequence[Mapping[str, Any]]
    concurrency: int
    can_kill: bool
    can_limit: bool
    labels: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def window(self) -> int:
        """Return how many jobs the instance may hold."""
        return window_of(self.concurrency)


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


@retried
def join(announcement: Announcement) -> str | None:
    """Take the name and return the new incarnation, or None while another instance has the name.

    The name is free if nobody has it, its owner is gone, or its owner's process on this boot of
    this machine is dead. Jobs bound to earlier incarnations move in the same transaction, so that
    no left-over message is claimed for a dead one.
    """
    with database.atomic():
        lock_version()
        row = _locked(announcement.name)
        if row is not None and not is_free(row):
            return None
        incarnation = str(uuid4())
        # Before the row, whose join order counts others: from here on, instances join one by one.
        raise_version()
        _write(announcement, incarnation)
        _move_others(announcement.name, incarnation)  # A3
    return incarnation


def _locked(name: str) -> Instance | None:
    """Return the row of a name; binders and new owners wait for its slot row (B5)."""
    database.execute(
        f"INSERT INTO {SLOT} (instance) VALUES (%(name)s) ON CONFLICT DO NOTHING", {"name": name}
    )
    Slot.objects.select_for_update().get(pk=name)
    return Instance.objects.select_for_update().filter(pk=name).first()


def is_free(row: Instance) -> bool:
    """Return whether the owner of a name is known to be dead (A6)."""
    if row.mode == Mode.GONE:
        return True
    same_boot = row.host == host() and row.boot_id == boot_id()
    owner = started(row.pid)
    return same_boot and (not owner or owner != row.pid_started)


def _write(announcement: Announcement, incarnation: str) -> None:
    highest = Instance.objects.aggregate(Max("joined"))["joined__max"]
    Instance.objects.update_or_create(
        pk=announcement.name,
        defaults={
            "incarnation": incarnation,
            "cluster": settings().cluster,
            "mode": Mode.STARTING,
            "mode_at": DatabaseNow(),
            "trouble": "",
            "remedy": "",
            "beat": 0,
            "beat_at": DatabaseNow(),
            "started_at": DatabaseNow(),
            "joined": (highest or 0) + 1,
            "gone_because": "",
            "host": host(),
            "boot_id": boot_id(),
            "pid": announcement.pid,
            "pid_started": started(announcement.pid),
            "consumers": list(announcement.consumers),
            "labels": sorted(announcement.labels),
            "concurrency": announcement.concurrency,
            "window": announcement.window,
            "can_kill": announcement.can_kill,
            "can_limit": announcement.can_limit,
            "protocol": PROTOCOL_VERSION,
            "load": {},
            "broken": [],
            "facts": dict(announcement.facts),
        },
    )


def _move_others(name: str, incarnation: str) -> None:
    give_back(
        selectors.bound_to_another(name, incarnation),
        cause=Cause.LOST,
        error=f"{name} was started anew while it ran",
        crash=True,
    )


def window_of(concurrency: int) -> int:
    """Return how many jobs an instance with that many processes may hold, begun or not."""
    return WINDOW.nearest_whole(round(concurrency * settings().window_factor))


def beats() -> dict[str, tuple[str, int]]:
    """Return the incarnation and the beat of each instance that is here, in join order."""
    rows = Instance.objects.live().order_by("joined").values_list("name", "incarnation", "beat")
    return {name: (incarnation, beat) for name, incarnation, beat in rows}


def first_joined(count: int) -> list[str]:
    """Return the names of the first instances that are here, in join order."""
    return list(Instance.objects.live().order_by("joined").values_list("name", flat=True)[:count])


def beat(name: str, incarnation: str) -> bool:
    """Raise the heartbeat, without an insert (A3); return whether this incarnation still lives."""
    return bool(
        database.execute(
            f"UPDATE {INSTANCE} SET beat = beat + 1, beat_at = {database.now()} "
            f"WHERE {INCARNATION} AND {LIVES}",
            {"name": name, "incarnation": incarnation},
        )
    )


@retried
def set_mode(
    name: str,
    incarnation: str,
    mode: Mode,
    *,
    concurrency: int | None = None,
    trouble: Trouble | None = None,
) -> None:
    """Announce a mode, the trouble that is its cause, and the concurrency once it is known."""
    changes: dict[str, Any] = {"mode": mode, "trouble": trouble or ""}
    if concurrency:
        changes["concurrency"] = concurrency
        changes["window"] = window_of(concurrency)
    mine = Instance.objects.incarnation(name, incarnation).live()
    with database.atomic():
        lock_version()
        if mine.exclude(**changes).update(**changes, **_dated(changes)):
            raise_version()
            reason = trouble.sentence if trouble else "announced"
            send_on_commit([ModeChange(name, incarnation, mode, reason)])


def _dated(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return since when the mode is what it is, and nothing done yet, unless it stays the same."""
    same = When(mode=changes["mode"], trouble=changes["trouble"], then=F("mode_at"))
    done = When(mode=changes["mode"], trouble=changes["trouble"], then=F("remedy"))
    return {
        "mode_at": Case(same, default=DatabaseNow()),
        "remedy": Case(done, default=Value("")),
    }


@retried
def leave(name: str, incarnation: str, *, reason: str, crash: bool) -> bool:
    """Mark an incarnation as gone and move its jobs; return whether it was here.

    ``crash`` counts its running jobs as crashed, because their process died.
    """
    cause = Cause.LOST if crash else Cause.STOPPED_ORDERLY
    with database.atomic():
        lock_version()
        gone = Instance.objects.incarnation(name, incarnation).live()
        if not gone.update(mode=Mode.GONE, mode_at=DatabaseNow(), gone_because=reason):
            return False
        raise_version()
        moved = release(name, incarnation, cause=cause, error=f"{name}: {reason}", crash=crash)
        send_on_commit([ModeChange(name, incarnation, Mode.GONE, reason, crash, moved)])
    return True


def goodbye(name: str, incarnation: str) -> bool:
    """Leave in an orderly way, after the last run ended."""
    return leave(name, incarnation, reason=GOODBYE, crash=False)


def declare_gone(name: str, incarnation: str, *, beat: int, reason: str) -> bool:
    """Declare an instance gone unless it sent a heartbeat; return whether it is gone."""
    with database.atomic():
        lock_version()
        still = Instance.objects.incarnation(name, incarnation).select_for_update()
        if not still.filter(beat=beat).exists():
            return False
        return leave(name, incarnation, reason=reason, crash=True)


def release(name: str, incarnation: str, *, cause: Cause, error: str, crash: bool) -> int:
    """Move the jobs that are bound to an incarnation; return how many."""
    there = selectors.bound_to(name, incarnation)
    return len(give_back(there, cause=cause, error=error, crash=crash))
