"""The databases tests run on: SQLite as the site has it, and PostgreSQL where one listens."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings

from offload.conf import settings
from project.environment import database
from project.environment import sqlite as sqlite_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from django.db.models import Model

T = TypeVar("T")

#: A server where databases may be made; another one by the variable of the same name.
SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
SQLITE, POSTGRESQL = "sqlite", "postgresql"
#: Names what belongs to this process: one that was killed leaves its database, and a later process
#: may have its number.
RUN = f"{os.getpid()}_{secrets.token_hex(3)}"
#: Of a second cluster, beside either of them.
BESIDE = "beside"
ABSENT = f"No PostgreSQL listens at {urlsplit(SERVER).netloc}: tests run on SQLite alone."

#: No test takes the machine's power away, so nobody waits until a commit is on its disk.
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"

#: For a test of what only a database with several writers can show.
on_postgresql = pytest.mark.parametrize("database_alias", [POSTGRESQL], indirect=True)


def is_listening() -> bool:
    """Return whether something listens where the server should be."""
    parts = urlsplit(SERVER)
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((parts.hostname, parts.port or 5432)) == 0


def sqlite(folder: Path, name: str = "tests") -> dict[str, Any]:
    """Return Django's settings for a file of this run's own: threads and its log are tested."""
    usual = sqlite_file("")
    return {
        **usual,
        "OPTIONS": {**usual["OPTIONS"], "init_command": PRAGMAS},
        "TEST": {"NAME": str(folder / f"{name}.sqlite3")},
    }


def postgresql() -> dict[str, Any]:
    """Return Django's settings for a database of this run's own, as unhurried as that file."""
    return {
        **database(SERVER),
        "OPTIONS": {"options": "-c synchronous_commit=off"},
        "TEST": {"NAME": f"offload_tests_{RUN}"},
    }


def taking_turns(cases: Sequence[T], alias: str, *, every: bool = False) -> Sequence[T]:
    """Return the cases that are tried on a database: each on one of those there are, or all."""
    there = [one for one in (SQLITE, POSTGRESQL) if one in django_settings.DATABASES]
    return cases if every else cases[there.index(alias) :: len(there)]


class DatabaseRouter:
    """Sends results and a site's models to offload's database, as a site with one database does."""

    def db_for_read(self, model: type[Model], **_: object) -> str | None:
        """Return the database that a test chose."""
        app = model._meta.app_label
        return settings().database if app in {"offload", "django_celery_results", "shop"} else None

    db_for_write = db_for_read


class OneDatabase:
    """Sends everything to the database that a test chose, as a site with one database does."""

    alias = ""

    def db_for_read(self, model: type[Model], **_: object) -> str:
        """Return it."""
        return self.alias

    db_for_write = db_for_read
