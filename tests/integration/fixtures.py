"""An app with a broker in memory, real tables, and the promise that no state is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery
from django.conf import settings
from django.test import override_settings

from offload.canvas import hooks
from offload.core.states import JobState, allowed
from offload.dispatch.full_lanes import full_lanes
from offload.fleet import leadership
from offload.fleet.snapshots import snapshot
from offload.messaging import installation
from offload.signals import alarm, job_changed
from tests.apps import forget_consumers
from tests.integration.world import HERE, Broker, Told, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offload.fleet.leadership import Term


@pytest.fixture(scope="session")
def _app() -> Celery:
    app = Celery("tests", broker="memory://", backend="django-db", set_as_current=False)
    app.conf.update(result_extended=True)
    hooks.install(app)
    return app


@pytest.fixture(autouse=True)
def app(_app: Celery, database_alias: str) -> Iterator[Celery]:
    """Install an app for the test."""
    forget_consumers(_app)
    full_lanes.clear()
    with installation.instead(_app, module=__name__):
        yield _app


@pytest.fixture
def broker(app: Celery) -> Iterator[Broker]:
    """Return the broker, in which nothing waits."""
    broker = Broker(app)
    broker.clear()
    yield broker
    broker.clear()


@pytest.fixture(autouse=True)
def changes(database_alias: str) -> Iterator[list[Told]]:
    """Return the changes of state as they were told; every one must be in the table of states."""
    told: list[Told] = []

    def note(*, job_id: str, old: str, new: str, epoch: int, **_: object) -> None:
        told.append(Told(job_id, old, new, epoch))

    job_changed.connect(note, dispatch_uid="tests")
    yield told
    job_changed.disconnect(dispatch_uid="tests")
    skipped = [one for one in told if not allowed(JobState(one.old), JobState(one.new))]
    assert skipped == []


@pytest.fixture
def alarms() -> Iterator[list[str]]:
    """Return the facts that operators were told."""
    told: list[str] = []

    def note(*, fact: str, **_: object) -> None:
        told.append(fact)

    alarm.connect(note, dispatch_uid="tests")
    yield told
    alarm.disconnect(dispatch_uid="tests")


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder that payload files are stored in."""
    folder = tmp_path / "media"
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }
    with override_settings(STORAGES={**settings.STORAGES, "offload": storage}):
        yield folder


@pytest.fixture
def term() -> Term:
    """Return the term of the one instance."""
    found = leadership.acquire(HERE, place().incarnation)
    assert found is not None
    snapshot(fresh=True)
    return found
