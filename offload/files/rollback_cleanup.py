"""Removes files that a transaction stored if it is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import finalize

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Callable


class RollbackCleanup:
    """A commit hook of a transaction: removes its files unless the hook is called."""

    def __init__(self, remove: Callable[[], None]) -> None:
        """Call ``remove`` when the hooks are dropped, which Django does on a rollback."""
        self._undo = finalize(self, _undo, remove)
        self._undo.atexit = False

    def keep(self) -> None:
        """Keep the files."""
        self._undo.detach()


def remove_on_rollback(remove: Callable[[], None]) -> None:
    """Call ``remove`` if the surrounding transaction, or its savepoint, is rolled back.

    If the connection broke, the outcome is unknown, and the files are kept.
    """
    connection = database.connection()
    if connection.in_atomic_block:
        # First in line: a hook that fails would drop those behind it after the commit.
        hook: Any = (set(connection.savepoint_ids), RollbackCleanup(remove).keep, False)
        connection.run_on_commit.insert(0, hook)


def _undo(remove: Callable[[], None]) -> None:
    # No query here: it would begin a transaction amid the rollback.
    if not getattr(database.connection().connection, "closed", False):
        remove()
