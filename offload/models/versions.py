"""The topology's version: raised by every change of instances, rules, switches and queues."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from django.db.models.functions import Now
from django.db.models.signals import post_delete, post_migrate, post_save

from offload.db import database, standstill
from offload.models.leases import Version
from offload.models.peers.peer_switches import LinkSwitch
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch

if TYPE_CHECKING:
    from datetime import datetime

TOPOLOGY = "topology"
VERSIONED_MODELS = (Rule, Switch, Queue, LinkSwitch)


class Raised:
    """A commit hook that marks the transaction in which the version was raised.

    The mark disappears with the commit, and with a rollback to before it.
    """

    def __call__(self) -> None:
        """Do nothing; only the presence of the hook matters."""


class _LastMark(threading.local):
    """The last mark that this thread has set, and its place among the commit hooks."""

    mark: Raised | None = None
    place: int = 0


class _Known:
    #: A counter, so that two threads never note the same number.
    numbers = itertools.count(1)
    #: Number of the last change that may have made earlier reads stale.
    change: int = 0


_last = _LastMark()


def raise_version(**_: object) -> None:
    """Raise the version, in the surrounding transaction."""
    _raise()
    note_change()
    if database.connection().in_atomic_block:
        _last.mark, _last.place = Raised(), len(database.connection().run_on_commit)
        database.on_commit(_last.mark)


def lock_version() -> None:
    """Lock the version, before rows of instances and slots, as rules do too (B7).

    A process that stands still with it loses it: nobody could be declared gone meanwhile.
    """
    table = Version._meta.db_table
    lock = database.FOR_UPDATE[database.vendor()]
    database.rows(
        f"SELECT {standstill.limit()} FROM {table} WHERE name = %(name)s {lock}", {"name": TOPOLOGY}
    )


def note_change(**_: object) -> None:
    """Note that this process must read the topology again."""
    _Known.change = next(_Known.numbers)


def last_change() -> int:
    """Return a number that changes with every change by this process, committed or not."""
    return _Known.change


def uncommitted() -> Raised | None:
    """Return the mark of the last uncommitted change that this thread sees (A7a).

    A read under a mark is valid as long as that mark is the last one. In a transaction without an
    atomic block, marks are useless, because each one is new.
    """
    connection = database.connection()
    if not connection.in_atomic_block:
        is_manual = connection.connection is not None and not connection.autocommit
        return Raised() if is_manual else None
    if _last.mark is None:
        return None
    waiting = connection.run_on_commit
    if _last.place >= len(waiting) or waiting[_last.place][1] is not _last.mark:
        _look_for_mark()
    return _last.mark


def _look_for_mark() -> None:
    """Find the last remaining mark if the former last one is gone or has moved."""
    found = enumerate(database.connection().run_on_commit)
    marks = [(place, entry[1]) for place, entry in found if isinstance(entry[1], Raised)]
    _last.place, _last.mark = marks[-1] if marks else (0, None)


def _raise() -> None:
    table = Version._meta.db_table
    database.execute(
        f"INSERT INTO {table} (name, number) VALUES (%(name)s, 1) "
        f"ON CONFLICT (name) DO UPDATE SET number = {table}.number + 1",
        {"name": TOPOLOGY},
    )


def current_version() -> int:
    """Return the version, 0 before the first change."""
    return version_and_time()[0]


def version_and_time() -> tuple[int, datetime | None]:
    """Return the version and the database's time; 0 and None before the first change."""
    found = Version.objects.filter(pk=TOPOLOGY).values_list("number", Now()).first()
    return (int(found[0]), found[1]) if found else (0, None)


def connect() -> None:
    """Raise the version whenever a watched row is saved or deleted through its model."""
    for model in VERSIONED_MODELS:
        for signal in (post_save, post_delete):
            signal.connect(raise_version, sender=model, dispatch_uid="offload.version")
    # Also sent after a flush, which deletes the version.
    post_migrate.connect(note_change, dispatch_uid="offload.version")
