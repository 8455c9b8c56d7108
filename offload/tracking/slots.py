"""The slot row of an instance: who binds to it holds that row, and so does who denies it jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError

from offload.db import database
from offload.models import Slot
from offload.signals import alarm

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How long a rule waits for one binding. Each takes milliseconds; its process may be frozen.
SLOT_LOCK_TIMEOUT = "2s"
#: PostgreSQL's code for a lock that was not to be had in time.
LOCK_TIMEOUT_CODE = "55P03"


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
    table = Slot._meta.db_table
    found = database.rows(
        f"SELECT instance FROM {table} WHERE instance IN ({database.marks(instances)}) "
        f"ORDER BY instance {how}",
        instances,
    )
    return [row[0] for row in found]


def _tell(held: set[str]) -> None:
    names = ", ".join(sorted(held))
    told = {
        "fact": f"a process has been binding jobs to {names} for {SLOT_LOCK_TIMEOUT}, "
        "and is passed over",
        "next_step": "look for a process of the site or of a worker that is stopped or cut off",
    }
    database.on_commit(lambda: alarm.send_robust(sender=None, **told))
