"""One database session around a run: notices what a run left behind, and undoes it."""

from __future__ import annotations

import enum
import logging
import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import Error

from offload.core.session_sql import changes_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("offload.worker")

#: First bytes that an idle session hears when its server ends it: none, an error, an alert of TLS.
LAST_WORDS = (b"", b"E", b"\x15")
#: The states of PostgreSQL's drivers in which a session is usable.
IDLE, IN_TRANSACTION, IN_ERROR = 0, 2, 3


class SessionFault(enum.StrEnum):
    """A fault of a session between two runs."""

    ENTERED = "an atomic block was entered and never left"
    SWITCHED = "autocommit was switched and not switched back"
    BEGUN = "a transaction was begun and not ended"
    #: By its driver's state, not by Django's; nothing committed is lost.
    UNUSABLE = "it was closed or left in the middle of something"


@dataclass(slots=True, eq=False)
class Session:
    """A connection during a run; it wraps statements, to notice changes to the session."""

    connection: BaseDatabaseWrapper
    #: Atomic blocks that were open before, such as a test's.
    depth: int = 0
    #: Wrappers of statements that were present before.
    wrappers: list[Any] = field(default_factory=list)
    #: The savepoint to which the run can be rolled back, in a test's transaction.
    savepoint: str | None = None
    is_changed: bool = False

    def __call__(
        self, execute: Callable[..., Any], sql: object, params: Any, many: bool, context: Any
    ) -> Any:
        """Inspect a statement, and run it."""
        self.is_changed = self.is_changed or changes_session(sql)
        return execute(sql, params, many, context)

    def begin(self) -> None:
        """Remember the session's state as the one to restore."""
        self.depth = len(self.connection.atomic_blocks)
        self.wrappers = list(self.connection.execute_wrappers)
        if self.depth:
            self.savepoint = self.connection.savepoint()
        # First in line, because Django's own blocks remove the last one.
        self.connection.execute_wrappers.insert(0, self)

    def end(self, *, keep: bool) -> SessionFault | None:
        """Undo everything that the run left behind; return how it left a transaction open, if it
        did.

        ``keep`` leaves a connection open whose settings alone were changed, because others own it.
        """
        self._remove_wrappers()
        found = fault_of(self.connection, self.depth)
        if self.depth:
            self._roll_back_to_savepoint()
        elif found or (self.is_changed and not keep):
            discard(self.connection)
        return None if found is SessionFault.UNUSABLE else found

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
        """Leave the run's open blocks; keep its work only if the transaction is intact."""
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


def fault_of(connection: BaseDatabaseWrapper, depth: int = 0) -> SessionFault | None:
    """Return the disorder of a session, beyond blocks to this depth; run no statement."""
    if len(connection.atomic_blocks) > depth or (connection.in_atomic_block and not depth):
        return SessionFault.ENTERED
    if connection.connection is None or depth:
        return None
    if connection.autocommit != connection.settings_dict["AUTOCOMMIT"]:
        return SessionFault.SWITCHED
    return _fault_of_driver(connection) if connection.autocommit else None


def _fault_of_driver(connection: BaseDatabaseWrapper) -> SessionFault | None:
    match connection.vendor:
        case "postgresql":
            return {
                IDLE: None,
                IN_TRANSACTION: SessionFault.BEGUN,
                IN_ERROR: SessionFault.BEGUN,
            }.get(_status(connection), SessionFault.UNUSABLE)
        case "sqlite":
            return _fault_of_file(connection)
    return None


def _status(connection: BaseDatabaseWrapper) -> int:
    raw: Any = connection.connection
    # psycopg's own status is cheapest; psycopg2 has none.
    facts = raw.pgconn if hasattr(raw, "pgconn") else raw.info
    return int(facts.transaction_status)


def _fault_of_file(connection: Any) -> SessionFault | None:
    try:
        return SessionFault.BEGUN if connection.connection.in_transaction else None
    except connection.Database.ProgrammingError:
        return SessionFault.UNUSABLE


def is_lost(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the server has closed an idle session; run no statement.

    Its driver notices with the next statement only, which may be one of a run.
    """
    raw: Any = connection.connection
    if raw is None or connection.vendor != "postgresql" or fault_of(connection):
        return False
    descriptor = raw.pgconn.socket if hasattr(raw, "pgconn") else raw.fileno()
    with socket.socket(fileno=os.dup(descriptor)) as end:
        try:
            return end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) in LAST_WORDS
        except BlockingIOError:
            return False
        except OSError:
            return True


def _has_failed(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the transaction accepts no more statements."""
    return connection.vendor == "postgresql" and _status(connection) == IN_ERROR


def discard(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, whatever its state; the next statement opens a new one."""
    raw = connection.connection
    # Inside a block, Django would only mark it as closed.
    connection.in_atomic_block = connection.closed_in_transaction = False
    if raw is not None:
        with suppress(connection.Database.Error):  # type: ignore[attr-defined]
            raw.rollback()
            if getattr(connection, "pool", None):
                # A pool would lend it again in this state.
                raw.close()
        with suppress(Error):
            connection.close()
    connection.savepoint_ids, connection.atomic_blocks = [], []
    connection.needs_rollback = False
    if connection.connection is not None:
        # Django keeps an in-memory database open.
        connection.set_autocommit(connection.settings_dict["AUTOCOMMIT"])
