"""The lock of a queue's row, which binders of limited queues take first (B6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import InternalError, OperationalError

from offload.core.admission.turns import QueueTurn
from offload.db import database
from offload.db.standstill import STANDSTILL_CODE
from offload.models import Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.tracking.binding.bindings import BoundJob

QUEUE = Queue._meta.db_table
#: How long a binder waits for the lock; without it, it leaves the work to the holder.
QUEUE_LOCK_TIMEOUT = "200ms"
#: How long the server waits for the next statement of a binder that holds the lock and may be
#: frozen, or cut off. Shorter than a rule's wait for a binding.
IDLE_TIMEOUT = "1500ms"
LOCK = f"UPDATE {QUEUE} SET name = name WHERE name = %(queue)s RETURNING turn, turn_taken"


def under_lock(queue: str, bind: Callable[[QueueTurn], list[BoundJob]]) -> list[BoundJob]:
    """Bind with a queue's row locked, by whose turn it is there; nothing while the lock is busy.

    The server ends the transaction if this process freezes in it.
    """
    return in_time(lambda: bind(_lock(queue)))


def in_time(bind: Callable[[], list[BoundJob]]) -> list[BoundJob]:
    """Bind in a transaction that waits for no lock for long; nothing if one is busy.

    The server ends the transaction if this process freezes in it.
    """
    is_own = not database.in_transaction()
    try:
        with database.atomic():
            _limit(standstill=IDLE_TIMEOUT if is_own else None)
            return bind()
    except OperationalError:
        return []
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) != STANDSTILL_CODE:
            raise
        return []


def _limit(*, standstill: str | None) -> None:
    if database.vendor() == "postgresql":
        times = {"lock_timeout": QUEUE_LOCK_TIMEOUT}
        if standstill is not None:
            times["idle_in_transaction_session_timeout"] = standstill
        given = ", ".join(f"set_config('{name}', %({name})s, true)" for name in times)
        database.rows(f"SELECT {given}", times)


def _lock(queue: str) -> QueueTurn:
    """Lock a queue's row, before anything counts the queue's bound jobs; return the turn."""
    found = database.rows(LOCK, {"queue": queue})
    return QueueTurn(of=found[0][0], taken=int(found[0][1])) if found else QueueTurn()
