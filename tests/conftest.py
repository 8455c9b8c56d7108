"""Fixtures for every test."""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from offload.fleet import snapshots
from offload.jobs import aftermath
from offload.results import task_results
from tests.databases import ABSENT, BESIDE, POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_django.plugin import DjangoDbBlocker


#: Django 6.1 keeps no copy of a new test database by itself, and warns whoever speaks of it.
NOT_SERIALIZED: dict[str, Any] = {} if django.VERSION >= (6, 1) else {"serialize": False}

# How fast examples are made and run depends on what else the machine does.
hypothesis_settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("shared machine")


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Tests shared out one by one, but the acceptance tests, whose workers live on: in four parts.

    What takes long in them is waiting, so that these parts run side by side.
    """

    def _split_scope(self, nodeid: str) -> str:
        _, floor, room, *_ = f"{nodeid}//".split("/")
        module = nodeid.partition("::")[0]
        if module.endswith("/test_replay.py"):
            # Its schedules are searched for once per process.
            return module
        if floor != "acceptance":
            return nodeid
        # All take about as long.
        if room in {"admin", "browser", "checks", "docs"}:
            return "acceptance, pages"
        if room in {"peers", "project"}:
            return "acceptance, clusters"
        is_embedded = room in {"queues", "worker"} and "sqlite+valkey" in nodeid
        return f"acceptance, {'embedded workers' if is_embedded else 'all others'}"


#: Where a test runs on one database each time: what asks the database lies below, or is asked in
#: the same way by tests beside these.
IN_TURN = tuple(
    f"tests/integration/{place}"
    for place in (
        "across/test_addresses.py", "across/test_fuzz.py", "admin/", "browser/",
        "canvas/freezing/", "diagnostics/", "docs/", "files/transports/", "launchers/",
        "management/", "operations/", "peers/test_receiving.py", "peers/test_showing.py",
        "project/", "reading/", "testing/", "worker/pool/test_claims.py", "workflows/",
    )
)  # fmt: skip


def second_forms(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield of each two tests that run on one database each time the one that does not.

    Where there is one database, it is the other one's.
    """
    pairs: dict[str, list[pytest.Item]] = {}
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        alias = params.get("database_alias")
        if alias and item.nodeid.startswith(IN_TURN):
            pairs.setdefault(item.nodeid.replace(alias, ""), []).append(item)
    there_are_two = POSTGRESQL in settings.DATABASES
    for name, pair in pairs.items():
        if len(pair) > 1:
            second = crc32(name.encode()) % 2 if there_are_two else 0
            yield sorted(pair, key=lambda one: one.nodeid)[second]


def pytest_xdist_auto_num_workers() -> int:
    """Return three processes more than there are processors: four of them wait most of the time."""
    return len(os.sched_getaffinity(0)) + 3


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Return the scheduler of tests for processes; the largest share begins first."""
    return Sharing(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among the tests: all are kept, and there are thousands."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ between processes: tests are shared out by them.

    Verbs ask what is tested below them on each database: of two tests that differ by that alone,
    one runs each time, on either, and both in the long tests.
    """
    if found := [item.nodeid for item in items if re.search(r" at 0x\w", item.nodeid)]:
        raise pytest.UsageError(f"Name its parameters by ids=without_addresses: {found[0]}")
    for item in second_forms(items):
        item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _enough_time() -> Iterator[None]:
    """Give a sweep time for all it finds, however busy the machine: here no later one follows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aftermath, "SWEEP_SECONDS", 60.0)
        yield


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
def database_alias(
    request: pytest.FixtureRequest, _made: set[str], django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Return the alias of the database that offload's tables are in; they are empty.

    Transactions are real, and threads see what was committed.
    """
    alias: str = request.param
    if alias not in settings.DATABASES:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(ABSENT)
    with django_db_blocker.unblock(), override_settings(OFFLOAD=_offload(alias)):
        make(alias, _made)
        _forget()
        yield alias
        empty(alias)
        connections.close_all()
    _forget()


@pytest.fixture
def beside(database_alias: str, _made: set[str]) -> Iterator[str]:
    """Return the alias of a second, empty database with offload's tables, of another cluster."""
    make(BESIDE, _made)
    yield BESIDE
    empty(BESIDE)


def make(alias: str, made: set[str]) -> None:
    """Make a database unless it was made before."""
    if alias not in made:
        connections[alias].creation.create_test_db(verbosity=0, **NOT_SERIALIZED)
        made.add(alias)


def _offload(alias: str) -> dict[str, Any]:
    return {**settings.OFFLOAD, "DATABASE": alias}


def _forget() -> None:
    snapshots.forget()
    task_results.in_transaction.cache_clear()


def empty(alias: str) -> None:
    """Delete all rows; constraints are looked at when the transaction ends."""
    configs = [apps.get_app_config(name) for name in ("offload", "django_celery_results")]
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        tables = [model._meta.db_table for config in configs for model in config.get_models()]
        deletions = [f"DELETE FROM {table}" for table in tables]  # noqa: S608
        # PostgreSQL takes all of them at once, which saves fifty trips a test.
        at_once = ["; ".join(deletions)] if cursor.db.vendor == POSTGRESQL else deletions
        for statement in at_once:
            cursor.execute(statement)
