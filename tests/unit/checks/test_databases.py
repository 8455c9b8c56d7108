from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from offload.checks import databases

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model
    from pytest_django import Settings

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
GOOD = {
    "init_command": "PRAGMA journal_mode = WAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str | None]]:
    """Return a function that checks these settings of the database and returns the ids."""

    def check(engine: str, *, name: str = "/var/db.sqlite3", **options: Any) -> list[str | None]:
        given = {"default": {"ENGINE": engine, "NAME": name, "OPTIONS": options}}
        monkeypatch.setattr(django_settings, "DATABASES", given)
        return [one.id for one in databases.check()]

    return check


def test_good_settings_have_no_problem(ids: Callable[..., list[str | None]]) -> None:
    assert ids(SQLITE, **GOOD) == []
    assert ids(POSTGRESQL) == []
    assert ids(POSTGRESQL, isolation_level=IsolationLevel.READ_COMMITTED) == []


@pytest.mark.parametrize("engine", ["mysql", "oracle", "dummy", "nonsense"])
def test_e007_names_an_engine_that_is_not_supported(
    ids: Callable[..., list[str | None]], engine: str
) -> None:
    assert ids(f"django.db.backends.{engine}") == ["offload.E007"]


@pytest.mark.parametrize(
    "level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE], ids=str
)
def test_e008_wants_read_committed(ids: Callable[..., list[str | None]], level: object) -> None:
    assert ids(POSTGRESQL, isolation_level=level) == ["offload.E008"]


class JobsApart:
    """Sends offload's tables to a database of their own, and what is told along with them."""

    apart = frozenset({"offload", "django_celery_results"})

    def db_for_write(self, model: type[Model], **_: object) -> str:
        """Return the database of a model."""
        return "jobs" if model._meta.app_label in self.apart else "default"


class AllApart(JobsApart):
    """Sends everything there."""

    apart = frozenset(config.label for config in apps.get_app_configs())


@pytest.mark.parametrize(
    ("alias", "router", "found"),
    [
        ("jobs", JobsApart, ["offload.W010"]),
        ("jobs", AllApart, []),
        ("default", JobsApart, []),
    ],
)
def test_w010_says_where_a_job_is_no_part_of_the_sites_transactions(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    alias: str,
    router: type[JobsApart],
    found: list[str],
) -> None:
    database = {"ENGINE": SQLITE, "NAME": "/var/db.sqlite3", "OPTIONS": GOOD}
    given = {"default": database, "jobs": database}
    monkeypatch.setattr(django_settings, "DATABASES", given)
    settings.DATABASE_ROUTERS = [f"{__name__}.{router.__name__}"]
    settings.OFFLOAD = {"DATABASE": alias}

    checked = databases.check()

    assert [one.id for one in checked] == found
    assert all("more models are written to" in one.msg for one in checked)


def test_e009_wants_times_with_a_zone(settings: Settings) -> None:
    settings.USE_TZ = False
    assert "offload.E009" in [one.id for one in databases.check()]


@pytest.mark.parametrize("mode", [None, "DEFERRED"])
def test_w001_wants_immediate_transactions(
    ids: Callable[..., list[str | None]], mode: str | None
) -> None:
    assert ids(SQLITE, **{**GOOD, "transaction_mode": mode}) == ["offload.W001"]


def test_w002_wants_a_write_ahead_log(ids: Callable[..., list[str | None]]) -> None:
    assert ids(SQLITE, **{**GOOD, "init_command": "PRAGMA cache_size=10"}) == ["offload.W002"]


def test_w002_asks_no_log_of_a_database_in_memory(ids: Callable[..., list[str | None]]) -> None:
    assert ids(SQLITE, name=":memory:", **{**GOOD, "init_command": ""}) == []


def test_w003_wants_a_patient_sqlite(ids: Callable[..., list[str | None]]) -> None:
    assert ids(SQLITE, **{**GOOD, "timeout": 5}) == ["offload.W003"]


def test_the_hint_for_sqlite_is_what_makes_it_right(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"default": {"ENGINE": SQLITE, "NAME": "/var/db.sqlite3"}}
    monkeypatch.setattr(django_settings, "DATABASES", given)
    hints = {one.hint for one in databases.check()}
    assert len(hints) == 1
    pasted = eval("{" + str(hints.pop()).partition(": ")[2].removesuffix(".") + "}")  # noqa: S307
    given["default"] |= pasted
    assert databases.check() == []
