"""The topology's version: raised by every change of instances, rules, switches and queues."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from django.db.models.functions import Now
from django.db.models.signals import post_delete, post_migrate, post_save

from offload.db import database
from offload.models.leases import Version
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch

if TYPE_CHECKING:
    from datetime import datetime

TOPOLOGY = "topology"
VERSIONED_MODELS = (Rule, Switch, Queue)


class Raised:
    """Marks the transaction in which the version was raised, as what it does on its commit.

    So it is gone with the commit, and with a rollback to before it.
    """

    def __call__(self) -> None:
        """Do nothing: being there is what says something."""


class _Here(threading.local):
    """The last mark that this thread has set, and where among what waits for the commit."""

    mark: Raised | None = None
    place: int = 0


class _Known:
    #: Taken from here, so that two threads never note the same number.
    numbers = itertools.count(1)
    #: Of the last change after which what was read before may not hold any more.
    change: int = 0


_here = _Here()


def raise_version(**_: object) -> None:
    """Raise the version, in the surrounding transaction."""
    _raise()
    note_change()
    if database.connection().in_atomic_block:
        _here.mark, _here.place = Raised(), len(database.connection().run_on_commit)
        database.on_commit(_here.mark)


def lock_version() -> None:
    """Lock the version, before the rows of instances and slots: rules take it first too (B7)."""
    table = Version._meta.db_table
    lock = database.FOR_UPDATE[database.vendor()]
    database.rows(f"SELECT 1 FROM {table} WHERE name = %s {lock}", [TOPOLOGY])


def note_change(**_: object) -> None:
    """Note that whatever this process has read of the topology is to be read anew."""
    _Known.change = next(_Known.numbers)


def last_change() -> int:
    """Return a number that differs after a change that this process made, committed or not."""
    return _Known.change


def uncommitted() -> Raised | None:
    """Return the mark of the last change that is not committed and this thread sees (A7a).

    What is read under a mark holds as long as it is the last one. A transaction without a block
    has marks of no use: each one is new.
    """
    connection = database.connection()
    if not connection.in_atomic_block:
        is_manual = connection.connection is not None and not connection.autocommit
        return Raised() if is_manual else None
    if _here.mark is None:
        return None
    waiting = connection.run_on_commit
    if _here.place >= len(waiting) or waiting[_here.place][1] is not _here.mark:
        _look_for_mark()
    return _here.mark


def _look_for_mark() -> None:
    """Find the last mark that is left, where the one that was the last is gone or has moved."""
    found = enumerate(database.connection().run_on_commit)
    marks = [(place, entry[1]) for place, entry in found if isinstance(entry[1], Raised)]
    _here.place, _here.mark = marks[-1] if marks else (0, None)


def _raise() -> None:
    table = Version._meta.db_table
    database.execute(
        f"INSERT INTO {table} (name, number) VALUES (%s, 1) "
        f"ON CONFLICT (name) DO UPDATE SET number = {table}.number + 1",
        [TOPOLOGY],
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
    # Sent after a flush too, by which the version falls back to none.
    post_migrate.connect(note_change, dispatch_uid="offload.version")
