"""Who lives: instances that join, beat, take a new incarnation, and leave."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
from django.db.models import Max
from django.db.models.functions import Now

from offload.conf import settings
from offload.core.placement.topology import PROTOCOL_VERSION, Mode
from offload.core.retries import Cause
from offload.core.validation.bounds import WINDOW
from offload.db import database
from offload.db.conflicts import retried
from offload.embedded.process import boot_id, started
from offload.fleet.row_values import GOODBYE
from offload.models import Instance, Slot
from offload.models.instances import LIVES
from offload.models.versions import lock_version, raise_version
from offload.results.giving_back import give_back
from offload.signals import ModeChange
from offload.tracking import selectors
from offload.tracking.changes import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """Take the name and return the new incarnation, or None while another has the name.

    The name is free if nobody has it, its owner is gone, or its owner's process on this boot
    of this machine is dead. What was bound to earlier incarnations moves in the same
    transaction, so that no left-over message is claimed for a dead one.
    """
    with database.atomic():
        lock_version()
        row = _locked(announcement.name)
        if row is not None and not is_free(row):
            return None
        incarnation = str(uuid4())
        # Before the row, which counts those that joined: from here on one after another does.
        raise_version()
        _write(announcement, incarnation)
        _move_others(announcement.name, incarnation)  # A3
    return incarnation


def _locked(name: str) -> Instance | None:
    """Return the row of a name; its slot row is what binders and new owners wait for (B5)."""
    database.execute(f"INSERT INTO {SLOT} (instance) VALUES (%s) ON CONFLICT DO NOTHING", [name])
    Slot.objects.select_for_update().get(pk=name)
    return Instance.objects.select_for_update().filter(pk=name).first()


def is_free(row: Instance) -> bool:
    """Return whether the owner of a name is known not to live (A6)."""
    if row.mode == Mode.GONE:
        return True
    here = row.host == host() and row.boot_id == boot_id()
    owner = started(row.pid)
    return here and (not owner or owner != row.pid_started)


def _write(announcement: Announcement, incarnation: str) -> None:
    highest = Instance.objects.aggregate(Max("joined"))["joined__max"]
    Instance.objects.update_or_create(
        pk=announcement.name,
        defaults={
            "incarnation": incarnation,
            "cluster": settings().cluster,
            "mode": Mode.STARTING,
            "beat": 0,
            "beat_at": Now(),
            "started_at": Now(),
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
    """Return how many jobs an instance of that many processes may hold, begun or not."""
    return WINDOW.nearest_whole(round(concurrency * settings().window_factor))


def beat(name: str, incarnation: str) -> bool:
    """Raise the beat, without an insert (A3); return whether this incarnation is the instance."""
    return bool(
        database.execute(
            f"UPDATE {INSTANCE} SET beat = beat + 1, beat_at = {database.now()} "
            f"WHERE name = %s AND incarnation = %s AND {LIVES}",
            [name, incarnation],
        )
    )


def report(name: str, incarnation: str, *, load: Mapping[str, Any]) -> None:
    """Announce held and running jobs, and how the worker's loop and broker do."""
    database.execute(
        f"UPDATE {INSTANCE} SET load = %s WHERE name = %s AND incarnation = %s",
        [json.dumps(load), name, incarnation],
    )


@retried
def set_mode(name: str, incarnation: str, mode: Mode, *, concurrency: int | None = None) -> None:
    """Announce a mode, and the concurrency where it became known."""
    changes: dict[str, Any] = {"mode": mode}
    if concurrency:
        changes["concurrency"] = concurrency
        changes["window"] = window_of(concurrency)
    mine = Instance.objects.filter(pk=name, incarnation=incarnation).exclude(mode=Mode.GONE)
    with database.atomic():
        lock_version()
        if mine.exclude(**changes).update(**changes):
            raise_version()
            tell([ModeChange(name, incarnation, mode, "announced")])


@retried
def leave(name: str, incarnation: str, *, reason: str, crash: bool) -> bool:
    """Make an incarnation gone and move what was bound to it; return whether it was here.

    ``crash`` counts its running jobs as crashed: its process died under them.
    """
    cause = Cause.LOST if crash else Cause.STOPPED_ORDERLY
    with database.atomic():
        lock_version()
        gone = Instance.objects.filter(pk=name, incarnation=incarnation).exclude(mode=Mode.GONE)
        if not gone.update(mode=Mode.GONE, gone_because=reason):
            return False
        raise_version()
        moved = release(name, incarnation, cause=cause, error=f"{name}: {reason}", crash=crash)
        tell([ModeChange(name, incarnation, Mode.GONE, reason, crash, moved)])
    return True


def goodbye(name: str, incarnation: str) -> bool:
    """Leave in order, after the last run ended."""
    return leave(name, incarnation, reason=GOODBYE, crash=False)


def declare_gone(name: str, incarnation: str, *, beat: int, reason: str) -> bool:
    """Declare an instance gone whose beat stood still; return whether it still did."""
    with database.atomic():
        lock_version()
        still = Instance.objects.select_for_update().filter(pk=name, incarnation=incarnation)
        if not still.filter(beat=beat).exists():
            return False
        return leave(name, incarnation, reason=reason, crash=True)


def release(name: str, incarnation: str, *, cause: Cause, error: str, crash: bool) -> int:
    """Move what is bound to an incarnation; return how many jobs."""
    there = selectors.bound_to(name, incarnation)
    return len(give_back(there, cause=cause, error=error, crash=crash))


def facts() -> dict[str, Any]:
    """Return properties of this machine and of this code."""
    system = os.uname()
    return {
        "platform": f"{system.sysname} {system.release} {system.machine}",
        "cpus": os.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
    }
