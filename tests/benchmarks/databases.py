"""A database of the benchmark's own, which is removed afterwards."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from project import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A server where databases may be made; another one by the variable of the same name.
SERVER = os.environ.get(
    "BENCH_POSTGRESQL", "postgresql://postgres:postgres@127.0.0.1:5432/postgres"
)


def reachable() -> list[str]:
    """Return the databases that can be measured here."""
    try:
        psycopg.connect(SERVER, connect_timeout=3).close()
    except psycopg.OperationalError:
        return ["sqlite"]
    return ["sqlite", "postgresql"]


@contextmanager
def database(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield Django's settings for an empty database."""
    if name == "sqlite":
        yield environment.sqlite(folder / "bench.sqlite3")
        return
    own = f"offload_bench_{os.getpid()}"
    _administer("CREATE DATABASE {}", own)
    try:
        yield environment.database(urlunsplit(urlsplit(SERVER)._replace(path=f"/{own}")))
    finally:
        _administer("DROP DATABASE {} WITH (FORCE)", own)


def version(name: str) -> str:
    """Return the version of the server, or of the library."""
    if name == "sqlite":
        return sqlite3.sqlite_version
    with psycopg.connect(SERVER) as connection:
        return str(connection.info.parameter_status("server_version"))


def _administer(statement: str, name: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
