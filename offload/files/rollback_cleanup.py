"""Files that a transaction stored are removed if it is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import finalize

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Callable


class RollbackCleanup:
    """Stands among the hooks of a transaction: lets go what it left once that is committed."""

    def __init__(self, remove: Callable[[], None]) -> None:
        """Call ``remove`` when the hooks are dropped, which Django does on a rollback."""
        self._undo = finalize(self, _undo, remove)
        self._undo.atexit = False

    def keep(self) -> None:
        """Leave everything where it is."""
        self._undo.detach()


def remove_on_rollback(remove: Callable[[], None]) -> None:
    """Call ``remove`` if the surrounding transaction, or its savepoint, is rolled back.

    A transaction whose fate is unknown, since its connection broke, counts as committed.
    """
    connection = database.connection()
    if connection.in_atomic_block:
        # First of all: one that fails would drop those behind it after the commit.
        hook: Any = (set(connection.savepoint_ids), RollbackCleanup(remove).keep, False)
        connection.run_on_commit.insert(0, hook)


def _undo(remove: Callable[[], None]) -> None:
    # No question to the database here: it would begin a transaction amid the rollback.
    if not getattr(database.connection().connection, "closed", False):
        remove()
