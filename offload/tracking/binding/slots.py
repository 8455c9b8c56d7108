"""The slot row of an instance: binders to it lock that row, and so do new rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError

from offload.db import database
from offload.db.statements import Statement, numbered, placeholders
from offload.models import Slot
from offload.signals import Alarm, AlarmKind
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOT = Slot._meta.db_table
#: How long a rule waits for one binding. Each takes milliseconds, but its process may be frozen.
SLOT_LOCK_TIMEOUT = "2s"
#: PostgreSQL's code for a lock timeout.
LOCK_TIMEOUT_CODE = "55P03"
#: A variable of the transaction keeps whose slot row it holds: a second attempt to lock could get a
#: lock that was released after the statement's snapshot was taken.
LOCK_SLOT = (
    "SELECT set_config('offload.slot', COALESCE((SELECT instance FROM "
    f"{SLOT} WHERE instance = %(instance)s FOR UPDATE SKIP LOCKED), ''), true)"
)
MAKE_SLOT = (
    f"INSERT INTO {SLOT} (instance) VALUES (%(instance)s) ON CONFLICT (instance) DO NOTHING "
    "RETURNING instance"
)
SLOT_IS_MINE = "current_setting('offload.slot') = %(instance)s"


def lock(instance: str, *, is_remote: bool = False) -> list[Statement]:
    """Return the statements that lock an instance's slot row (B5), unless all of the database is
    locked.

    The row exists since the instance joined; that of a peer's instance, since its first binding.
    """
    if database.vendor() == "sqlite":
        return []
    locking = Statement(LOCK_SLOT, {"instance": instance})
    return [Statement(MAKE_SLOT, {"instance": instance}), locking] if is_remote else [locking]


def is_mine() -> str:
    """Return the condition that this transaction holds the slot row; on SQLite it always does."""
    return SLOT_IS_MINE if database.vendor() == "postgresql" else "true"


def keep_bindings_out(instances: Sequence[str]) -> None:
    """Wait for begun bindings to these instances (B8a); let none begin until the commit.

    Later reads see all bound jobs. Call it in a transaction, with the version raised. A process
    that froze during a binding is skipped after a while, and an alarm reports it; the instance
    gives back whatever that process binds later.
    """
    if not instances or database.vendor() == "sqlite":
        return
    try:
        with database.atomic():
            _lock_in_time(instances)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_TIMEOUT_CODE:
            raise
        _alarm(set(instances) - set(_lock(instances, "FOR UPDATE SKIP LOCKED")))


def _lock_in_time(instances: Sequence[str]) -> None:
    [[before]] = database.rows("SELECT current_setting('lock_timeout')")
    _limit(SLOT_LOCK_TIMEOUT)
    _lock(instances, "FOR UPDATE")
    _limit(before)


def _limit(time: str) -> None:
    database.rows("SELECT set_config('lock_timeout', %(time)s, true)", {"time": time})


def _lock(instances: Sequence[str], how: str) -> list[str]:
    names = numbered("instance", instances)
    found = database.rows(
        f"SELECT instance FROM {SLOT} WHERE instance IN ({placeholders(names)}) "
        f"ORDER BY instance {how}",
        names,
    )
    return [row[0] for row in found]


def _alarm(held: set[str]) -> None:
    names = sorted(held)
    alarm = Alarm(
        f"a process has been binding jobs to {', '.join(names)} for {SLOT_LOCK_TIMEOUT}, "
        "and is passed over",
        "look for a process of the site or of a worker that is stopped or cut off",
        AlarmKind.BINDING_HELD,
        tuple(names),
    )
    send_on_commit([alarm])
