"""An app with jobs and plain tasks, and a driver that runs them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from offload.canvas import hooks
from offload.messaging import installation
from offload.results import task_results
from tests.integration.driving import tasks
from tests.integration.driving.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator


#: One backend in the job's database, one outside of it that chooses its methods by itself.
BACKENDS = ("django-db", "cache+memory://")


@cache
def installed_app(backend: str) -> Celery:
    """Return an app with this result backend."""
    app = Celery("canvas", broker="memory://", backend=backend, set_as_current=False)
    app.conf.update(result_extended=True, task_allow_error_cb_on_chord_header=True)
    tasks.register(app)
    hooks.install(app)
    return app


@pytest.fixture
def app(request: pytest.FixtureRequest, database_alias: str) -> Iterator[Celery]:
    """Return the installed app, with an empty broker."""
    found = installed_app(getattr(request, "param", BACKENDS[0]))
    task_results.in_transaction.cache_clear()
    with found.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.queue_declare(found.conf.task_default_queue)
        channel.queue_purge(found.conf.task_default_queue)
    with installation.instead(found, module=__name__):
        yield found
    task_results.in_transaction.cache_clear()


@pytest.fixture
def driver(app: Celery) -> Driver:
    """Return the driver of the app's jobs and plain tasks."""
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
    """Return the list of the tasks' notes, emptied."""
    tasks.NOTES.clear()
    return tasks.NOTES
