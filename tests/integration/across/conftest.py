"""An app with a broker in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import Celery

from offload.canvas import hooks
from offload.messaging import installation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _app() -> Celery:
    app = Celery("odd", broker="memory://", backend="django-db", set_as_current=False)
    hooks.install(app)
    return app


@pytest.fixture
def app(_app: Celery) -> Iterator[Celery]:
    """Install an app for the test."""
    with installation.instead(_app, module=__name__):
        yield _app
