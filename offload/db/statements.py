"""Statements that take effect together, in one round trip if the database can."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec

from offload.db import database, preparing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

P = ParamSpec("P")

#: How many texts of one statement are kept.
TEXTS_MAX = 64


class Statement(NamedTuple):
    """SQL that returns rows, with its parameters by name."""

    sql: str
    params: Mapping[str, Any] = database.NO_PARAMS
    #: Whether its text has few variants, so that the server may keep its plan.
    prepared: bool = True

    def rows(self) -> list[tuple[Any, ...]]:
        """Run it and return its rows."""
        return database.rows(self.sql, self.params, prepared=self.prepared)


def change(first: Statement, then: Statement | None) -> list[tuple[Any, ...]]:
    """Run a change that returns the changed rows and, only if there are any, a second one.

    ``then`` holds the condition of ``if_changed``. On PostgreSQL both are one statement, so
    no name means two things in them.
    """
    if then is None:
        return first.rows()
    if database.vendor() == "postgresql":
        return Statement(_both(first.sql, then.sql), named(first.params, then.params)).rows()
    with database.brief():
        found = first.rows()
        if found:
            database.execute(then.sql, then.params)
    return found


@lru_cache(maxsize=TEXTS_MAX)
def _both(first: str, then: str) -> str:
    return f"WITH changed AS ({first}), followed AS ({then}) SELECT * FROM changed"


def named(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a statement that is combined from parts.

    Raise ValueError if a name has two values: one part would act on the other's.
    """
    params: dict[str, Any] = {}
    for part in parts:
        params.update(part)
    if len(params) != sum(map(len, parts)):
        _check_agreement(params, parts)
    return params


def _check_agreement(params: Mapping[str, Any], parts: Iterable[Mapping[str, Any]]) -> None:
    items = [item for part in parts for item in part.items()]
    clash = {name for name, value in items if params[name] != value}
    if clash:
        raise ValueError(f"two parts of a statement give different values for {sorted(clash)}")


def assignments(columns: Iterable[str]) -> str:
    """Return the SQL that sets columns to parameters of their names."""
    return ", ".join(f"{name} = %({name})s" for name in columns)


def numbered(name: str, values: Iterable[object]) -> dict[str, object]:
    """Return one parameter per value, named by what they are and a number."""
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def placeholders(names: Iterable[str]) -> str:
    """Return the placeholders of parameters, for ``IN (…)``."""
    return ", ".join(f"%({name})s" for name in names)


def if_changed() -> str:
    """Return the condition, in the second statement of ``change``, that the first hit a row."""
    return "EXISTS (SELECT 1 FROM changed)" if database.vendor() == "postgresql" else "true"


def together(*statements: Statement) -> list[list[tuple[Any, ...]]]:
    """Run statements in one transaction; return the rows of each.

    Each sees everything committed before it, not before the first one: a lock that one takes
    protects the rows that the next one reads.
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


def once_per_dialect(make: Callable[P, str]) -> Callable[P, str]:
    """Make a function that returns SQL build its text once per dialect, not at every call.

    Its arguments must be hashable and take few values.
    """
    made = lru_cache(maxsize=TEXTS_MAX)(lambda _, *args, **kwargs: make(*args, **kwargs))
    return wraps(make)(lambda *args, **kwargs: made(database.vendor(), *args, **kwargs))
