"""Fixtures of the replay: an app whose result backend lies outside of the job's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery
from django.conf import settings
from django.test import override_settings

from offload.canvas import hooks
from offload.messaging import installation
from offload.worker.tasks.task import OffloadTask
from tests.apps import forget_consumers
from tests.integration.driving.tasks import define
from tests.integration.protocol.stand_ins import TASK, TOPIC
from tests.unit.protocol.model import CRASHES, FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterator


class Replayed(OffloadTask):
    """A task whose failures are retried as its queue says."""

    abstract = True
    retried_by_queue = True


def run() -> None:
    """Do nothing: a replay says what becomes of each run."""


@pytest.fixture(scope="session")
def _app() -> Celery:
    app = Celery("replay", broker="memory://", backend="cache+memory://", set_as_current=False)
    hooks.install(app)
    forget_consumers(app)
    define(app, run, name=TASK, base=Replayed, topic=TOPIC)
    return app


@pytest.fixture(autouse=True)
def app(_app: Celery, database_alias: str) -> Iterator[Celery]:
    """Install an app whose jobs are given up as those of the model are."""
    options = {"RETRIES": FAILURES - 1, "RETRY_DELAY": 0.0, "CRASHES": CRASHES}
    changed = override_settings(OFFLOAD={**settings.OFFLOAD, **options})
    with installation.instead(_app, module=__name__), changed:
        yield _app
