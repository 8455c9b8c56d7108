"""Checks of the database that holds offload's tables, as the settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import Error, Warning  # noqa: A004 -- Django's name for it
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, router
from django.db.utils import load_backend

from offload.checks.offload_settings import readable
from offload.core.texts import counted

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

#: Seconds that SQLite should wait for another writer; Django's default of 5 is too short.
SQLITE_TIMEOUT_SECONDS = 20

#: READ COMMITTED, as psycopg and Django name it.
READ_COMMITTED = "READ_COMMITTED"

#: Apps whose tables go with the jobs.
OWN_APPS = {"offload", "django_celery_results"}

PASTED_OPTIONS = (
    'Write in DATABASES["{alias}"]: "OPTIONS": {{"init_command": "PRAGMA journal_mode=WAL; '
    'PRAGMA synchronous=NORMAL;", "transaction_mode": "IMMEDIATE", "timeout": 30}}.'
)


def check(**_: object) -> list[CheckMessage]:
    """Check the database's settings, and that times carry a time zone."""
    settings = readable()
    found = _naive_times()
    if settings is not None and settings.database in django_settings.DATABASES:
        found += _database(settings.database, django_settings.DATABASES[settings.database])
        found += _apart(settings.database)
    return found


def _apart(alias: str) -> list[CheckMessage]:
    """Warn if models of the site are in the default database and offload's tables are not."""
    there = [] if alias == DEFAULT_DB_ALIAS else _written_to(DEFAULT_DB_ALIAS)
    if not there:
        return []
    others = (
        f" and {counted(len(there) - 1, 'more model', 'more models')}" if len(there) > 1 else ""
    )
    return [
        Warning(
            f'OFFLOAD["DATABASE"] is {alias!r}, and {there[0]}{others} are written to '
            f"{DEFAULT_DB_ALIAS!r}: a job that is submitted inside their atomic() is stored at "
            "once, may run before their commit, and stays after their rollback.",
            "Submit after their commit: transaction.on_commit(lambda: offload.submit(…)); or keep "
            "offload's tables in the same database. If this is intended, silence this check: "
            'SILENCED_SYSTEM_CHECKS = ["offload.W010"].',
            id="offload.W010",
        )
    ]


def _written_to(alias: str) -> list[str]:
    """Return the site's models that are written to a database, Django's own last."""
    found = [
        model
        for model in apps.get_models()
        if model._meta.managed
        and model._meta.app_label not in OWN_APPS
        and router.db_for_write(model) == alias
    ]
    found.sort(key=lambda model: (model.__module__.startswith("django."), model._meta.label))
    return [model._meta.label for model in found]


def _naive_times() -> list[CheckMessage]:
    if django_settings.USE_TZ:
        return []
    fact = "USE_TZ is False: times without a zone cannot be compared with the database's clock."
    return [Error(fact, "Write USE_TZ = True.", id="offload.E009")]


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
    paste = PASTED_OPTIONS.format(alias=alias)
    found: list[CheckMessage] = []
    if str(options.get("transaction_mode")).upper() != "IMMEDIATE":
        fact = "SQLite transactions that read before they write may fail: 'database is locked'."
        found.append(Warning(fact, paste, id="offload.W001"))
    if not _is_memory(name) and not _is_wal(str(options.get("init_command", ""))):
        fact = "SQLite without a write-ahead log makes readers and writers wait for each other."
        found.append(Warning(fact, paste, id="offload.W002"))
    if options.get("timeout", 5) < SQLITE_TIMEOUT_SECONDS:
        fact = "SQLite soon gives up if several processes write: its timeout is low."
        found.append(Warning(fact, paste, id="offload.W003"))
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
