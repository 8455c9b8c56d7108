"""Sessions that their server has ended: no run is the one to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from offload.db import database
from offload.worker.pool.session import is_lost
from offload.worker.pool.session_watch import tidy
from tests.databases import SERVER, on_postgresql
from tests.polling import eventually

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def _process(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@on_postgresql
def test_a_session_that_its_server_has_ended_is_replaced_between_runs(app: object) -> None:
    connection = database.connection().copy()
    before = _process(connection)
    tidy([connection])
    assert _process(connection) == before

    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s)", [before])
    eventually(lambda: is_lost(connection), what="the session's end")
    tidy([connection])

    assert _process(connection) != before
    connection.close()


def test_a_connection_that_was_never_opened_is_not_lost(app: object) -> None:
    assert not is_lost(database.connection().copy())
