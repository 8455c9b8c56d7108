"""The command, called as from a shell, on an app with a broker in memory."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from django.core.management import call_command
from django.db import connections

from offload.canvas import hooks
from offload.dispatch.full_lanes import full_lanes
from offload.messaging import installation
from tests.apps import forget_consumers
from tests.integration.shells import Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture(scope="session")
def _app() -> Celery:
    app = Celery("commands", broker="memory://", backend="django-db", set_as_current=False)
    app.conf.update(result_extended=True, CELERY_DB_REUSE_MAX=1)
    hooks.install(app)
    return app


@pytest.fixture(autouse=True)
def app(_app: Celery, database_alias: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """Install an app for the test."""
    forget_consumers(_app)
    # Where readline was loaded it is in the environment, of a terminal that is not there.
    monkeypatch.delenv("COLUMNS", raising=False)
    full_lanes.clear()
    with installation.instead(_app, module=__name__):
        yield _app


@pytest.fixture
def said() -> Callable[..., str]:
    """Return a function that gives the command arguments and returns what it says."""

    def call(*arguments: str, to: StringIO | None = None) -> str:
        out = StringIO() if to is None else to
        call_command("offload", *arguments, stdout=out)
        return out.getvalue()

    return call


@pytest.fixture
def answered(said: Callable[..., str]) -> Callable[..., Any]:
    """Return a function that gives the command arguments and returns its JSON."""
    return lambda *arguments: json.loads(said(*arguments, "--json"))


@pytest.fixture
def meanwhile() -> Callable[[Callable[[], object]], AbstractContextManager[None]]:
    """Return a context in which something is done by another thread, on its own connection."""

    @contextmanager
    def doing(act: Callable[[], object]) -> Iterator[None]:
        errors: list[BaseException] = []

        def run() -> None:
            try:
                act()
            except BaseException as error:
                errors.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        assert errors == []

    return doing


@pytest.fixture(scope="session")
def migrated(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the sample site with an empty database."""
    folder = tmp_path_factory.mktemp("migrated")
    assert Shell(root, folder)("migrate", "--verbosity=0").returncode == 0
    return folder


@pytest.fixture
def shell(root: Path, migrated: Path, tmp_path: Path) -> Shell:
    """Return a function that runs the command on an empty database."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    return Shell(root, tmp_path)
