"""Statements that take effect together, in one round trip where the database can do that."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.db import database, preparing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Statement(NamedTuple):
    """SQL that has rows, with its parameters: named ones, where it is put together from parts."""

    sql: str
    params: tuple[Any, ...] | Mapping[str, Any] = ()
    #: Whether its text is one of few, so that the server may keep its plan.
    prepared: bool = True

    def rows(self) -> list[tuple[Any, ...]]:
        """Run it and return its rows."""
        return database.rows(self.sql, self.params, prepared=self.prepared)


def change(first: Statement, then: Statement | None) -> list[tuple[Any, ...]]:
    """Run a change that returns what it changed and, only if that is anything, a second one.

    ``then`` holds the condition of ``if_changed``. On PostgreSQL both are one statement, so the
    parameters of both are named, if any, and no name means two things.
    """
    if then is None:
        return first.rows()
    if database.vendor() == "postgresql":
        both = f"WITH changed AS ({first.sql}), followed AS ({then.sql}) SELECT * FROM changed"
        return Statement(both, named(first.params, then.params)).rows()
    with database.brief():
        found = first.rows()
        if found:
            database.execute(then.sql, then.params)
    return found


def named(*parts: tuple[Any, ...] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a statement that is put together from parts.

    Raise ValueError where a name stands for two values: one part would act on the other's.
    """
    params: dict[str, Any] = {}
    for part in parts:
        before = len(params)
        given = {**params, **dict(part)}
        if len(given) != before + len(part):
            _check_agreement(params, dict(part))
        params = given
    return params


def _check_agreement(params: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    clash = [name for name in given.keys() & params.keys() if given[name] != params[name]]
    if clash:
        raise ValueError(f"two parts of a statement give different values for {sorted(clash)}")


def assignments(columns: Iterable[str]) -> str:
    """Return the SQL that sets columns to parameters of their names."""
    return ", ".join(f"{name} = %({name})s" for name in columns)


def if_changed() -> str:
    """Return the condition, in the second statement of ``change``, that the first hit a row."""
    return "EXISTS (SELECT 1 FROM changed)" if database.vendor() == "postgresql" else "true"


def together(*statements: Statement) -> list[list[tuple[Any, ...]]]:
    """Run statements in one transaction; return the rows of each.

    Each sees what was committed before it, not before the first: a lock taken by one holds
    for what the next one reads.
    """
    connection = database.connection()
    if len(statements) > 1 and preparing.can_go_together(connection):
        return _in_one_go(connection, statements)
    with database.brief():
        return [statement.rows() for statement in statements]


def _in_one_go(connection: Any, statements: tuple[Statement, ...]) -> list[list[tuple[Any, ...]]]:
    with preparing.in_one_go(connection):
        cursors = [database.cursor(prepared=one.prepared) for one in statements]
        for cursor, statement in zip(cursors, statements, strict=True):
            cursor.execute(statement.sql, statement.params)
    found = [list(cursor.fetchall()) for cursor in cursors]
    for cursor in cursors:
        cursor.close()
    return found


def once_per_dialect(make: Callable[[], str]) -> Callable[[], str]:
    """Return a maker of SQL that puts its text together once per dialect, not at every call."""
    made = lru_cache(lambda _: make())
    return wraps(make)(lambda: made(database.vendor()))
