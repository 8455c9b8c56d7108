"""One database session before and after a run: what was left in it, and how that is undone."""

from __future__ import annotations

import enum
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import Error

from offload.core.session_sql import changes_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("offload.worker")

#: What PostgreSQL's drivers say of a session; in any other state it is of no use.
IDLE, IN_TRANSACTION, IN_ERROR = 0, 2, 3


class Disorder(enum.StrEnum):
    """A fault of a session between two runs."""

    ENTERED = "an atomic block was entered and never left"
    SWITCHED = "autocommit was switched and not switched back"
    BEGUN = "a transaction was begun and not ended"
    #: For its driver, not for Django; nothing that was committed is lost.
    UNUSABLE = "it was closed or left in the middle of something"


@dataclass(slots=True, eq=False)
class Session:
    """A connection during a run; as a wrapper of its statements, it sees what changes it."""

    connection: BaseDatabaseWrapper
    #: Atomic blocks that were open before: those of a test that calls for the run.
    depth: int = 0
    #: Wrappers of statements that were there before.
    wrappers: list[Any] = field(default_factory=list)
    #: What the run can be rolled back to, in a test's transaction.
    savepoint: str | None = None
    is_changed: bool = False

    def __call__(
        self, execute: Callable[..., Any], sql: object, params: Any, many: bool, context: Any
    ) -> Any:
        """Look at a statement, and run it."""
        self.is_changed = self.is_changed or changes_session(sql)
        return execute(sql, params, many, context)

    def begin(self) -> None:
        """Take the session as it is for how it should be."""
        self.depth = len(self.connection.atomic_blocks)
        self.wrappers = list(self.connection.execute_wrappers)
        if self.depth:
            self.savepoint = self.connection.savepoint()
        # The first: a block of Django's that adds another takes the last one away.
        self.connection.execute_wrappers.insert(0, self)

    def end(self, *, keep: bool) -> Disorder | None:
        """Undo what the run left behind; return how it left a transaction open, if it did.

        ``keep`` a connection whose settings alone were changed: it is somebody else's.
        """
        self._remove_wrappers()
        found = disorder_of(self.connection, self.depth)
        if self.depth:
            self._roll_back_to_savepoint()
        elif found or (self.is_changed and not keep):
            discard(self.connection)
        return None if found is Disorder.UNUSABLE else found

    def _remove_wrappers(self) -> None:
        found = self.connection.execute_wrappers
        for one in [one for one in found if one is not self and one not in self.wrappers]:
            logger.warning(
                "a run left the wrapper %r on the statements of database %r; it is removed",
                one,
                self.connection.alias,
            )
        found[:] = [one for one in found if one in self.wrappers]

    def _roll_back_to_savepoint(self) -> None:
        """Leave blocks that the run did not; keep its work only if the transaction is intact."""
        blocks = self.connection.atomic_blocks
        is_broken = len(blocks) > self.depth
        for block in reversed(blocks[self.depth :]):
            block.__exit__(RuntimeError, None, None)
        if self.savepoint is None:
            return
        if is_broken or self.connection.needs_rollback or _has_failed(self.connection):
            self.connection.needs_rollback = False
            self.connection.savepoint_rollback(self.savepoint)
        else:
            self.connection.savepoint_commit(self.savepoint)


def disorder_of(connection: BaseDatabaseWrapper, depth: int = 0) -> Disorder | None:
    """Return what is wrong with a session, beyond blocks to this depth; no statement is run."""
    if len(connection.atomic_blocks) > depth or (connection.in_atomic_block and not depth):
        return Disorder.ENTERED
    if connection.connection is None or depth:
        return None
    if connection.autocommit != connection.settings_dict["AUTOCOMMIT"]:
        return Disorder.SWITCHED
    return _disorder_of_driver(connection) if connection.autocommit else None


def _disorder_of_driver(connection: BaseDatabaseWrapper) -> Disorder | None:
    match connection.vendor:
        case "postgresql":
            return {
                IDLE: None,
                IN_TRANSACTION: Disorder.BEGUN,
                IN_ERROR: Disorder.BEGUN,
            }.get(_status(connection), Disorder.UNUSABLE)
        case "sqlite":
            return _disorder_of_file(connection)
    return None


def _status(connection: BaseDatabaseWrapper) -> int:
    raw: Any = connection.connection
    # That of psycopg costs least; its forerunner has none.
    facts = raw.pgconn if hasattr(raw, "pgconn") else raw.info
    return int(facts.transaction_status)


def _disorder_of_file(connection: Any) -> Disorder | None:
    try:
        return Disorder.BEGUN if connection.connection.in_transaction else None
    except connection.Database.ProgrammingError:
        return Disorder.UNUSABLE


def _has_failed(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the transaction takes no statement any more."""
    return connection.vendor == "postgresql" and _status(connection) == IN_ERROR


def discard(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, whatever it is in the middle of; the next statement opens another."""
    raw = connection.connection
    # Django only marks one that it closes inside of a block.
    connection.in_atomic_block = connection.closed_in_transaction = False
    if raw is not None:
        with suppress(connection.Database.Error):  # type: ignore[attr-defined]
            raw.rollback()
            if getattr(connection, "pool", None):
                # A pool would lend it again, as it is.
                raw.close()
        with suppress(Error):
            connection.close()
    connection.savepoint_ids, connection.atomic_blocks = [], []
    connection.needs_rollback = False
    if connection.connection is not None:
        # A database in memory, which Django keeps open.
        connection.set_autocommit(connection.settings_dict["AUTOCOMMIT"])
