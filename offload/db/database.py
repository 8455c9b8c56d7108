"""The database that holds offload's tables, and where its dialects differ."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import Error, connections, transaction

from offload.conf import settings
from offload.db import preparing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper

    #: Parameters by the names of the ``%(name)s``.
    Params: TypeAlias = Mapping[str, Any]

#: A time as Django writes it: SQLite compares texts, and Django leaves out a fraction of zero.
SQLITE_TIME = "REPLACE(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', {}), '.000000', '')"
NOW = {
    "sqlite": SQLITE_TIME.format("'NOW'"),
    "postgresql": "clock_timestamp()",
}
LATER = {
    "sqlite": SQLITE_TIME.format("'NOW', ({0}) || ' seconds'"),
    "postgresql": "(clock_timestamp() + make_interval(secs => ({0})::double precision))",
}
SINCE = {
    "sqlite": "((JULIANDAY('NOW') - JULIANDAY({0})) * 86400)",
    "postgresql": "extract(epoch FROM clock_timestamp() - {0})",
}
BETWEEN = {
    "sqlite": "((JULIANDAY({1}) - JULIANDAY({0})) * 86400)",
    "postgresql": "extract(epoch FROM {1} - {0})::double precision",
}
#: Not None: without parameters Django would not turn ``%%`` into ``%``.
NO_PARAMS: Params = {}
#: Seconds for a server to accept the request to cancel a statement.
INTERRUPT_SECONDS = 0.5
#: Locks the row that a decision rests on; SQLite's immediate transactions lock the whole file.
FOR_SHARE = {"sqlite": "", "postgresql": "FOR SHARE"}
FOR_UPDATE = {"sqlite": "", "postgresql": "FOR UPDATE"}


def alias() -> str:
    """Return the alias of the database that holds offload's tables."""
    return settings().database


def connection() -> BaseDatabaseWrapper:
    """Return this thread's connection to that database."""
    return connections[alias()]


def vendor() -> str:
    """Return ``sqlite`` or ``postgresql``."""
    return connection().vendor


def atomic(*, durable: bool = False) -> transaction.Atomic:
    """Return a transaction on that database."""
    return transaction.atomic(using=alias(), durable=durable)


@contextmanager
def brief() -> Iterator[None]:
    """Run a few statements in one transaction; the block must not nest others or use on_commit.

    On SQLite all writers wait for it, so two plain statements begin and end it, without Django's
    bookkeeping.
    """
    if vendor() != "sqlite" or in_transaction():
        with atomic():
            yield
        return
    with cursor() as control:
        control.execute("BEGIN IMMEDIATE")
        try:
            yield
            control.execute("COMMIT")
        except BaseException:
            # The failure may have ended it already.
            with suppress(Error):
                control.execute("ROLLBACK")
            raise


def in_transaction() -> bool:
    """Return whether this connection is inside a transaction."""
    return not connection().get_autocommit() or connection().in_atomic_block


def on_commit(act: Callable[[], Any]) -> None:
    """Run ``act`` after the surrounding transaction commits, or at once without one."""
    transaction.on_commit(act, using=alias())


def now() -> str:
    """Return the SQL of the database's clock (A7)."""
    return NOW[vendor()]


def later(seconds: str) -> str:
    """Return the SQL of a time ``seconds`` (an SQL number or placeholder) from now."""
    return LATER[vendor()].format(seconds)


def seconds_since(time: str) -> str:
    """Return the SQL of the seconds since a time (in SQL)."""
    return SINCE[vendor()].format(time)


def seconds_between(start: str, end: str) -> str:
    """Return the SQL of the seconds between two times (in SQL)."""
    return BETWEEN[vendor()].format(start, end)


def commit_unflushed() -> None:
    """Let commits of this thread's connection return before they are on the server's disk.

    They outlive any process but the server, on PostgreSQL; elsewhere nothing changes.
    """
    if vendor() == "postgresql":
        execute("SET synchronous_commit = off")


def execute(sql: str, params: Params = NO_PARAMS) -> int:
    """Run one statement and return the number of rows it changed."""
    with cursor() as changed:
        changed.execute(sql, params)
        return int(changed.rowcount)


def rows(sql: str, params: Params = NO_PARAMS, *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows.

    ``prepared`` lets the server keep its plan; use it for statements of the hot path.
    """
    with cursor(prepared=prepared) as found:
        found.execute(sql, params)
        return list(found.fetchall())


def cursor(*, prepared: bool = False) -> Any:
    """Return a cursor; ``prepared`` lets the server keep plans."""
    return preparing.cursor(connection()) if prepared else connection().cursor()


def interrupt(there: BaseDatabaseWrapper) -> None:
    """Cancel the statement that another thread runs on its connection; it raises an error there."""
    raw = there.connection
    if raw is None:
        return
    with suppress(Exception):
        raw.interrupt() if there.vendor == "sqlite" else raw.cancel_safe(timeout=INTERRUPT_SECONDS)
