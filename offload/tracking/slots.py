"""The slot row of an instance: who binds to it holds that row, and so does who denies it jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError

from offload.db import database
from offload.db.statements import Statement
from offload.models import Slot
from offload.signals import Alarm, AlarmKind
from offload.tracking.changes import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOT = Slot._meta.db_table
#: How long a rule waits for one binding. Each takes milliseconds; its process may be frozen.
SLOT_LOCK_TIMEOUT = "2s"
#: PostgreSQL's code for a lock that was not to be had in time.
LOCK_TIMEOUT_CODE = "55P03"
#: Whose slot row this transaction holds is kept in a variable of the transaction: asking again
#: for the lock could get one that was given up after the question's picture of the rows was taken.
LOCK_SLOT = (
    "SELECT set_config('offload.slot', COALESCE((SELECT instance FROM "
    f"{SLOT} WHERE instance = %(instance)s FOR UPDATE SKIP LOCKED), ''), true)"
)
SLOT_IS_MINE = "current_setting('offload.slot') = %(instance)s"


def lock(instance: str) -> list[Statement]:
    """Return what locks an instance's slot row (B5), where not the whole database is locked.

    The row is there since the instance joined.
    """
    return [] if database.vendor() == "sqlite" else [Statement(LOCK_SLOT, {"instance": instance})]


def is_mine() -> str:
    """Return the condition that this transaction holds the slot row: on SQLite it holds all."""
    return SLOT_IS_MINE if database.vendor() == "postgresql" else "true"


def keep_bindings_out(instances: Sequence[str]) -> None:
    """Wait for bindings to these instances that have begun (B8a); let none begin until the commit.

    What is read afterwards has all that was bound. Call it in a transaction, with the version
    raised. A process that stands still with a binding is passed over after a while, and an
    alarm tells of it: what it binds later is taken back by the instance.
    """
    if not instances or database.vendor() == "sqlite":
        return
    try:
        with database.atomic():
            _lock_in_time(instances)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_TIMEOUT_CODE:
            raise
        _tell(set(instances) - set(_lock(instances, "FOR UPDATE SKIP LOCKED")))


def _lock_in_time(instances: Sequence[str]) -> None:
    [[before]] = database.rows("SELECT current_setting('lock_timeout')")
    _limit(SLOT_LOCK_TIMEOUT)
    _lock(instances, "FOR UPDATE")
    _limit(before)


def _limit(time: str) -> None:
    database.rows("SELECT set_config('lock_timeout', %s, true)", [time])


def _lock(instances: Sequence[str], how: str) -> list[str]:
    found = database.rows(
        f"SELECT instance FROM {SLOT} WHERE instance IN ({database.marks(instances)}) "
        f"ORDER BY instance {how}",
        instances,
    )
    return [row[0] for row in found]


def _tell(held: set[str]) -> None:
    names = sorted(held)
    told = Alarm(
        f"a process has been binding jobs to {', '.join(names)} for {SLOT_LOCK_TIMEOUT}, "
        "and is passed over",
        "look for a process of the site or of a worker that is stopped or cut off",
        AlarmKind.BINDING_HELD,
        tuple(names),
    )
    tell([told])
