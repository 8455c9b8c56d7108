"""The database that holds offload's tables, and where its dialects differ."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import Error, connections, transaction

from offload.conf import settings
from offload.db import preparing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    #: In the order of their ``%s``, or under the names of their ``%(name)s``.
    Params: TypeAlias = Sequence[Any] | Mapping[str, Any]

NOW = {
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
    "postgresql": "clock_timestamp()",
}
LATER = {
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', ({0}) || ' seconds')",
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
#: Seconds that a server gets to take the request to end a statement.
INTERRUPT_SECONDS = 0.5
#: Share-lock the row a decision rests on; SQLite's immediate transactions lock the whole file.
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
    """Run a few statements in one transaction, with no block inside that may nest or tell.

    On SQLite all writers wait for it: so it is begun and ended by two plain statements, without
    what Django keeps count of in between.
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
            # What failed may have ended it already.
            with suppress(Error):
                control.execute("ROLLBACK")
            raise


def in_transaction() -> bool:
    """Return whether what is written now waits for a commit."""
    return not connection().get_autocommit() or connection().in_atomic_block


def on_commit(act: Callable[[], Any]) -> None:
    """Run ``act`` after the surrounding transaction, at once where there is none."""
    transaction.on_commit(act, using=alias())


def now() -> str:
    """Return the SQL of the database's clock (A7)."""
    return NOW[vendor()]


def later(seconds: str = "%s") -> str:
    """Return the SQL of a time ``seconds`` (an SQL number or placeholder) from now."""
    return LATER[vendor()].format(seconds)


def seconds_since(time: str) -> str:
    """Return the SQL of how many seconds ago a time (in SQL) was."""
    return SINCE[vendor()].format(time)


def seconds_between(start: str, end: str) -> str:
    """Return the SQL of how many seconds lie between two times (in SQL)."""
    return BETWEEN[vendor()].format(start, end)


def execute(sql: str, params: Params = ()) -> int:
    """Run one statement and return the number of rows it changed."""
    with cursor() as changed:
        changed.execute(sql, params)
        return int(changed.rowcount)


def rows(sql: str, params: Params = (), *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """Run one statement that has rows, and return them.

    ``prepared`` has the server keep its plan: for statements of the hot path.
    """
    with cursor(prepared=prepared) as found:
        found.execute(sql, params)
        return list(found.fetchall())


def cursor(*, prepared: bool = False) -> Any:
    """Return a cursor; a ``prepared`` one for statements whose plan the server may keep."""
    return preparing.cursor(connection()) if prepared else connection().cursor()


def interrupt(there: BaseDatabaseWrapper) -> None:
    """End the statement that another thread runs on its connection; there it raises an error."""
    raw = there.connection
    if raw is None:
        return
    with suppress(Exception):
        raw.interrupt() if there.vendor == "sqlite" else raw.cancel_safe(timeout=INTERRUPT_SECONDS)


def marks(values: Collection[object]) -> str:
    """Return one placeholder per value, for ``IN (…)``."""
    return ", ".join(["%s"] * len(values))
