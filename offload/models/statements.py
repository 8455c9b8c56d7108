"""Statements that take effect together, in one round trip where the database can do that."""

from __future__ import annotations

from typing import Any, NamedTuple

from offload.models import database


class Statement(NamedTuple):
    """SQL with its parameters."""

    sql: str
    params: tuple[Any, ...] = ()

    def rows(self) -> list[tuple[Any, ...]]:
        """Run it and return its rows."""
        return database.rows(self.sql, self.params)


def change(first: Statement, then: Statement | None) -> list[tuple[Any, ...]]:
    """Run a change that returns what it changed and, only if that is anything, a second one.

    ``then`` holds the condition of ``if_changed``. On PostgreSQL both are one statement.
    """
    if then is None:
        return first.rows()
    if database.vendor() == "postgresql":
        both = f"WITH changed AS ({first.sql}), followed AS ({then.sql}) SELECT * FROM changed"
        return database.rows(both, (*first.params, *then.params))
    with database.atomic():
        found = first.rows()
        if found:
            database.execute(*then)
    return found


def if_changed() -> str:
    """Return the condition, in the second statement of ``change``, that the first hit a row."""
    return "EXISTS (SELECT 1 FROM changed)" if database.vendor() == "postgresql" else "true"


def together(*statements: Statement) -> list[list[tuple[Any, ...]]]:
    """Run statements in one transaction; return the rows of each.

    Each sees what was committed before it, not before the first: a lock taken by one holds
    for what the next one reads.
    """
    if not _takes_many():
        with database.atomic():
            return [statement.rows() for statement in statements]
    params = [value for statement in statements for value in statement.params]
    with database.connection().cursor() as cursor:
        cursor.execute(";\n".join(statement.sql for statement in statements), params)
        found = [_rows(cursor)]
        while cursor.nextset():
            found.append(_rows(cursor))
    return found


def _rows(cursor: Any) -> list[tuple[Any, ...]]:
    return list(cursor.fetchall()) if cursor.description else []


def _takes_many() -> bool:
    """Return whether a text of several statements may be sent: then it is a transaction."""
    options = database.connection().settings_dict["OPTIONS"]
    return database.vendor() == "postgresql" and not options.get("server_side_binding")
