"""An environment of the tests, and this process as a client of the site in it."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from kombu import pools

from offload.fleet import snapshots
from offload.messaging import installation
from offload.results import task_results
from tests.acceptance.servers import Broker, servers, variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from celery import Celery

#: Settings that Django does not let a test override.
FIXED = {"DATABASES", "INSTALLED_APPS", "SECRET_KEY"}
#: A database with tables and no rows of a test, once this process has made one.
EMPTY = Path(os.environ["OFFLOAD_VAR"], "empty.sqlite3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database, a broker, a folder, and what the site's processes are told of them."""

    environment: str
    run: str
    folder: Path
    database: dict[str, Any]
    broker: Broker
    variables: dict[str, str]

    def nodename(self, name: str) -> str:
        """Return the nodename of a worker of this run."""
        return f"{name}@{self.run}"


@contextmanager
def made(environment: str, folder: Path) -> Iterator[Place]:
    """Make an environment with its tables, and remove it after the block."""
    run = f"t{secrets.token_hex(4)}"
    with servers(environment, folder, run) as (database, broker):
        place = Place(
            environment=environment,
            run=run,
            folder=folder,
            database=database,
            broker=broker,
            variables=variables(folder, run, database, broker),
        )
        make_tables(place)
        yield place


def make_tables(place: Place) -> None:
    """Make the tables of an environment; those of a file are made once and copied from then on."""
    is_file = "sqlite" in place.database["ENGINE"]
    if is_file and EMPTY.exists():
        shutil.copyfile(EMPTY, place.database["NAME"])
        return
    with visited(place):
        call_command("migrate", interactive=False, run_syncdb=True, verbosity=0)
        if is_file:
            connections["default"].cursor().execute("VACUUM INTO %s", [str(EMPTY)])


@contextmanager
def visited(place: Place, **extra: str) -> Iterator[Celery]:
    """Make this process a client of the site; ``extra`` are variables that differ from its own."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {**place.variables, **extra}))
        module = importlib.reload(_module("tests.acceptance.site.settings"))
        stack.enter_context(override_settings(**_overridden(module)))
        stack.enter_context(_database(place.database))
        yield stack.enter_context(_installed())


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


def _overridden(module: ModuleType) -> dict[str, Any]:
    return {key: value for key, value in vars(module).items() if key.isupper() and key not in FIXED}


@contextmanager
def _database(wanted: dict[str, Any]) -> Iterator[None]:
    before = connections.settings
    connections["default"].close()
    connections.settings = connections.configure_settings({"default": dict(wanted)})
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings = before
        del connections["default"]


@contextmanager
def _installed() -> Iterator[Celery]:
    """Install the site's own app, made anew, in place of the one this process has."""
    former = installation.installed()
    try:
        # A second app beside the first would be refused.
        with installation.instead(None):
            app: Celery = importlib.reload(_module("tests.acceptance.site.celery")).app
            app.set_current()
            _forget()
            try:
                yield app
            finally:
                _close(app)
    finally:
        if former is not None:
            former.set_current()
        _forget()


def _close(app: Any) -> None:
    """Close an app and its connections, which kombu would keep for the next app of its URL."""
    for pool in (app.producer_pool, app.pool):
        pool.force_close_all()
    for group in (pools.producers, pools.connections):
        for key in [key for key, pool in dict.items(group) if pool._closed]:
            dict.pop(group, key)
    app.close()


def _forget() -> None:
    snapshots.forget()
    task_results.in_transaction.cache_clear()
