"""Prepared statements: PostgreSQL plans the hot path once per connection, not once per job."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

#: Executions of a statement on a connection before it is prepared, as psycopg's own default.
PREPARE_AFTER_RUNS = 5


def can_prepare(connection: BaseDatabaseWrapper) -> bool:
    """Return whether statements can be prepared on a connection (F4).

    They cannot if ``DISABLE_SERVER_SIDE_CURSORS`` is set: then a pooler may lend another connection
    to the next transaction.
    """
    options = connection.settings_dict
    return connection.vendor == "postgresql" and not (
        options.get("DISABLE_SERVER_SIDE_CURSORS") or options["OPTIONS"].get("server_side_binding")
    )


def cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor that prepares frequent statements, or a plain one if that is impossible."""
    if not can_prepare(connection):
        return connection.cursor()
    connection.ensure_connection()
    raw: Any = connection.connection
    if raw.prepare_threshold is None:
        # Django's own cursors are not affected: they put values into the text.
        raw.prepare_threshold = PREPARE_AFTER_RUNS
    with connection.wrap_database_errors:
        return connection._prepare_cursor(_cursor_class()(raw))  # type: ignore[attr-defined]


def can_go_together(connection: BaseDatabaseWrapper) -> bool:
    """Return whether several statements can be sent at once, as libpq can since version 14."""
    return can_prepare(connection) and bool(_pipeline().is_supported())


@contextmanager
def in_one_go(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Send the block's statements in one round trip and as one transaction.

    Requires ``can_go_together``. Their rows are available after the block.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


@lru_cache(maxsize=1)
def _cursor_class() -> Any:
    """Return Django's cursor class that sends values apart from the text (optional driver)."""
    return import_string("django.db.backends.postgresql.base.ServerBindingCursor")


@lru_cache(maxsize=1)
def _pipeline() -> Any:
    """Return the driver's pipeline."""
    return import_string("psycopg.Pipeline")
