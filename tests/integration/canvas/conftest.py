"""An app with jobs and plain tasks, and a driver that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from offload.engine import installation, results
from offload.engine.canvas import hooks
from tests.integration.canvas import tasks
from tests.integration.canvas.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _app() -> Celery:
    app = Celery("canvas", broker="memory://", backend="django-db", set_as_current=False)
    app.conf.update(result_extended=True, task_allow_error_cb_on_chord_header=True)
    tasks.register(app)
    hooks.install(app)
    return app


@pytest.fixture
def app(_app: Celery, transactional_db: None) -> Iterator[Celery]:
    """Return the installed app, with an empty broker."""
    before = list(installation._installed)
    installation.remember(_app, module=__name__)
    results.in_transaction.cache_clear()
    with _app.connection_for_write() as connection:
        connection.default_channel.queue_declare(_app.conf.task_default_queue)
        connection.default_channel.queue_purge(_app.conf.task_default_queue)
    yield _app
    installation._installed[:] = before
    results.in_transaction.cache_clear()


@pytest.fixture
def driver(app: Celery) -> Driver:
    """Return what runs jobs and plain tasks of the app."""
    return Driver(app)


@pytest.fixture
def job(app: Celery) -> tasks.Named:
    """Return the app's jobs by name."""
    return tasks.Named(app, "jobs")


@pytest.fixture
def plain(app: Celery) -> tasks.Named:
    """Return the app's plain tasks by name."""
    return tasks.Named(app, "plain")


@pytest.fixture
def calls() -> list[Any]:
    """Return what tasks noted, emptied."""
    tasks.NOTES.clear()
    return tasks.NOTES
