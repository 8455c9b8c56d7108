"""What every test may ask for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections, transaction
from django.test import override_settings
from xdist.scheduler import LoadScopeScheduling

from offload.fleet import snapshots
from offload.results import task_results
from tests.databases import ABSENT, POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


#: Django 6.1 keeps no copy of a new test database by itself, and warns whoever speaks of it.
NOT_SERIALIZED: dict[str, Any] = {} if django.VERSION >= (6, 1) else {"serialize": False}


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Tests shared out one by one, but the acceptance tests: they watch how long things take."""

    def _split_scope(self, nodeid: str) -> str:
        return "acceptance" if nodeid.startswith("tests/acceptance/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Return what shares tests out to processes; the largest share begins first."""
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ between processes: tests are shared out by them."""
    if found := [item.nodeid for item in items if re.search(r" at 0x\w", item.nodeid)]:
        raise pytest.UsageError(f"Name its parameters by ids=without_addresses: {found[0]}")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def _made(django_db_blocker: DjangoDbBlocker) -> Iterator[set[str]]:
    """Return the aliases whose database was made so far; those are dropped in the end."""
    made: set[str] = set()
    yield made
    with django_db_blocker.unblock():
        for alias in made:
            name = connections.settings[alias]["NAME"]
            connections[alias].creation.destroy_test_db(name, verbosity=0)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def engine_database(
    request: pytest.FixtureRequest, _made: set[str], django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Return the alias of the database that offload's tables are in; they are empty.

    Transactions are real, and threads see what was committed.
    """
    alias: str = request.param
    if alias not in settings.DATABASES:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(ABSENT)
    with django_db_blocker.unblock(), override_settings(OFFLOAD=_offload(alias)):
        if alias not in _made:
            connections[alias].creation.create_test_db(verbosity=0, **NOT_SERIALIZED)
            _made.add(alias)
        _forget()
        yield alias
        empty(alias)
        connections.close_all()
    _forget()


def _offload(alias: str) -> dict[str, Any]:
    return {**settings.OFFLOAD, "DATABASE": alias}


def _forget() -> None:
    snapshots.forget()
    task_results.in_transaction.cache_clear()


def empty(alias: str) -> None:
    """Delete all rows; constraints are looked at when the transaction ends."""
    configs = [apps.get_app_config(name) for name in ("offload", "django_celery_results")]
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for model in [model for config in configs for model in config.get_models()]:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608
