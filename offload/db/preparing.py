"""Statements of the hot path, which PostgreSQL plans once per connection and not once per job."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

#: Times that a connection runs a statement before it has it prepared, as psycopg's own default.
PREPARE_AFTER_RUNS = 5


def can_prepare(connection: BaseDatabaseWrapper) -> bool:
    """Return whether statements can be prepared on a connection (F4).

    They cannot where ``DISABLE_SERVER_SIDE_CURSORS`` is set, by which Django is told that a
    pooler lends another connection to the next transaction.
    """
    options = connection.settings_dict
    return connection.vendor == "postgresql" and not (
        options.get("DISABLE_SERVER_SIDE_CURSORS") or options["OPTIONS"].get("server_side_binding")
    )


def cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor that prepares what it runs often; a plain one where that cannot be."""
    if not can_prepare(connection):
        return connection.cursor()
    connection.ensure_connection()
    raw: Any = connection.connection
    if raw.prepare_threshold is None:
        # Of no consequence to Django's own cursors: they put values into the text.
        raw.prepare_threshold = PREPARE_AFTER_RUNS
    with connection.wrap_database_errors:
        return connection._prepare_cursor(_cursor_class()(raw))  # type: ignore[attr-defined]


def can_go_together(connection: BaseDatabaseWrapper) -> bool:
    """Return whether several statements can be sent at once: libpq can since its version 14."""
    return can_prepare(connection) and bool(_pipeline().is_supported())


@contextmanager
def in_one_go(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Send the block's statements in one round trip and as one transaction.

    Only where ``can_go_together`` holds. Their rows are there after the block.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


@lru_cache(maxsize=1)
def _cursor_class() -> Any:
    """Return Django's cursor that sends values apart from the text; its driver is optional."""
    return import_string("django.db.backends.postgresql.base.ServerBindingCursor")


@lru_cache(maxsize=1)
def _pipeline() -> Any:
    """Return the driver's pipeline."""
    return import_string("psycopg.Pipeline")
