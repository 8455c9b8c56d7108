"""Checks of the database that holds offload's tables, as the settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.checks import Error, Warning  # noqa: A004 -- Django's name for it
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import load_backend

from offload.checks.options import readable

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

#: Seconds that SQLite should wait for another writer; Django's default of 5 is soon over.
PATIENCE = 20

#: What psycopg and Django call the level at which locks are seen as they are.
READ_COMMITTED = "READ_COMMITTED"

PASTE = (
    'Write in DATABASES["{alias}"]: "OPTIONS": {{"init_command": "PRAGMA journal_mode=WAL; '
    'PRAGMA synchronous=NORMAL;", "transaction_mode": "IMMEDIATE", "timeout": 30}}.'
)


def check(**_: object) -> list[CheckMessage]:
    """Check the database's settings, and that times carry a time zone."""
    settings = readable()
    found = _naive_times()
    if settings is not None and settings.database in django_settings.DATABASES:
        found += _database(settings.database, django_settings.DATABASES[settings.database])
    return found


def _naive_times() -> list[CheckMessage]:
    if django_settings.USE_TZ:
        return []
    told = "USE_TZ is False: times without a zone cannot be compared with the database's clock."
    return [Error(told, "Write USE_TZ = True.", id="offload.E009")]


def _database(alias: str, database: dict[str, Any]) -> list[CheckMessage]:
    engine, options = database.get("ENGINE", ""), database.get("OPTIONS", {})
    match _vendor(engine):
        case "sqlite":
            return _sqlite(alias, str(database.get("NAME", "")), options)
        case "postgresql":
            return _postgresql(alias, options)
    return [
        Error(
            f'The engine of DATABASES["{alias}"] is {engine!r}, which offload does not run on.',
            'Use "django.db.backends.postgresql" or "django.db.backends.sqlite3", or name '
            'another database: OFFLOAD = {"DATABASE": "…"}.',
            id="offload.E007",
        )
    ]


def _vendor(engine: str) -> str:
    try:
        return str(load_backend(engine).DatabaseWrapper.vendor)
    except (ImportError, ImproperlyConfigured):
        # Its driver is not installed, or there is no such engine.
        return ""


def _sqlite(alias: str, name: str, options: dict[str, Any]) -> list[CheckMessage]:
    paste = PASTE.format(alias=alias)
    found: list[CheckMessage] = []
    if str(options.get("transaction_mode")).upper() != "IMMEDIATE":
        told = "SQLite transactions that read first fail with 'database is locked' beside others."
        found.append(Warning(told, paste, id="offload.W001"))
    if not _is_memory(name) and not _is_wal(str(options.get("init_command", ""))):
        told = "SQLite without a write-ahead log lets readers and writers wait for each other."
        found.append(Warning(told, paste, id="offload.W002"))
    if options.get("timeout", 5) < PATIENCE:
        told = "SQLite gives up soon where several processes write: its timeout is low."
        found.append(Warning(told, paste, id="offload.W003"))
    return found


def _is_memory(name: str) -> bool:
    return ":memory:" in name or "mode=memory" in name


def _is_wal(command: str) -> bool:
    return "journal_mode=wal" in command.lower().replace(" ", "")


def _postgresql(alias: str, options: dict[str, Any]) -> list[CheckMessage]:
    level = options.get("isolation_level")
    if level is None or getattr(level, "name", "") == READ_COMMITTED:
        return []
    return [
        Error(
            f'DATABASES["{alias}"] asks for the isolation level {level!s}; the locks of limited '
            "queues need READ COMMITTED.",
            f'Remove "isolation_level" from DATABASES["{alias}"]["OPTIONS"], or give offload an '
            'alias of its own: OFFLOAD = {"DATABASE": "…"}.',
            id="offload.E008",
        )
    ]
