"""Database, broker and result backend."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from celery.backends.cache import CacheBackend
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from kombu import Connection

from offload.db import database
from offload.diagnostics import Level, broker, results, traps
from offload.diagnostics import database as database_part
from offload.messaging import installation, timeouts
from tests.databases import on_postgresql
from tests.integration.diagnostics.findings import on_sqlite, the

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    Installed = Callable[..., Celery]


def test_a_database_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DatabaseError("refused\n\tIs it running?")

    monkeypatch.setattr(database, "rows", broken)
    (found,) = database_part.examine()
    assert found.level is Level.FAIL
    assert "refused Is it running?" in found.fact


def test_a_missing_migration_is_a_failure() -> None:
    recorder = MigrationRecorder(database.connection())
    last = max(name for app, name in recorder.applied_migrations() if app == "offload")
    recorder.record_unapplied("offload", last)
    try:
        found = the(Level.FAIL, database_part.examine())
    finally:
        recorder.record_applied("offload", last)
    assert f"1 migration, offload.{last} the first" in found.fact
    assert found.next_step.startswith("Run: manage.py migrate")


@on_sqlite
def test_another_journal_than_the_write_ahead_log_is_a_warning() -> None:
    database.rows("PRAGMA journal_mode=DELETE")
    try:
        found = the(Level.WARN, database_part.examine())
    finally:
        database.rows("PRAGMA journal_mode=WAL")
    assert "'delete'" in found.fact


@on_postgresql
def test_another_isolation_than_read_committed_is_a_failure() -> None:
    database.execute("SET default_transaction_isolation = 'serializable'")
    found = the(Level.FAIL, database_part.examine())
    assert "'serializable'" in found.fact


@on_postgresql
def test_a_clock_that_goes_wrong_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "now", lambda: "clock_timestamp() - interval '1 minute'")
    assert "60 s" in the(Level.WARN, database_part.examine()).fact


@on_sqlite
def test_a_broker_that_answers_is_named_without_its_password(installed: Installed) -> None:
    installed(broker_url="memory://user:secret@here//")
    (found,) = broker.examine()
    assert found.level is Level.OK
    assert "secret" not in found.fact


@on_sqlite
@pytest.mark.parametrize(
    "url", ["redis://:secret@127.0.0.1:1/0", "amqp://guest:secret@127.0.0.1:1"]
)
def test_a_broker_that_refuses_is_a_failure(installed: Installed, url: str) -> None:
    installed(broker_url=url)
    (found,) = broker.examine()
    assert found.level is Level.FAIL
    assert "refused" in found.fact
    assert "secret" not in found.fact
    assert "manage.py offload broker" in found.next_step


class AuthenticationError(ConnectionError):
    """An error with the name of the one that the Redis library raises."""


@on_sqlite
def test_a_server_that_refuses_the_login_is_not_said_to_be_away(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AuthenticationError("invalid username-password pair")

    monkeypatch.setattr(Connection, "ensure_connection", refuse)
    monkeypatch.setattr(CacheBackend, "get_state", refuse)
    installed(broker_url="redis://:secret@127.0.0.1:1/0", result_backend="cache+memory://")

    for part, setting in ((broker, "CELERY_BROKER_URL"), (results, "CELERY_RESULT_BACKEND")):
        (found,) = part.examine()
        assert found.level is Level.FAIL
        assert "refuses the connection" in found.fact
        assert "invalid username-password pair" in found.fact
        assert found.next_step.startswith(f"Correct {setting}: its user, its password")


@on_sqlite
def test_a_broker_that_is_silent_is_a_failure_in_time(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "CONNECT_TIMEOUT_SECONDS", 0)
    installed(broker_url="redis://127.0.0.1:1/0")
    (found,) = broker.examine()
    assert found.level is Level.FAIL


@on_sqlite
def test_without_an_app_nothing_of_celery_can_be_examined() -> None:
    with installation.instead(None):
        assert the(Level.FAIL, broker.examine()).next_step == "Install a Celery app first."
        assert the(Level.FAIL, results.examine()).next_step == "Install a Celery app first."
        assert list(traps.examine()) == []


@on_sqlite
@pytest.mark.parametrize(
    ("backend", "level", "told"),
    [
        ("django-db", Level.OK, "DatabaseBackend answers"),
        ("cache+memory://", Level.OK, "CacheBackend answers"),
        ("disabled://", Level.WARN, "job.result() works"),
        ("rpc://", Level.OK, "through the broker"),
        ("redis://127.0.0.1:1/0", Level.FAIL, "RedisBackend does not answer"),
    ],
)
def test_the_result_backend_is_asked(
    installed: Installed, backend: str, level: Level, told: str
) -> None:
    installed(result_backend=backend)
    (found,) = results.examine()
    assert found.level is level
    assert told in found.fact


def test_who_never_answers_is_not_waited_for() -> None:
    over = threading.Event()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        timeouts.within(0.01, over.wait)
    over.set()
    assert timeouts.within(10, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        timeouts.within(10, lambda: 1 / 0)
