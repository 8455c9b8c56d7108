"""Fixtures of this folder's tests: an instance that holds many jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.fixtures import _app, app, broker, changes
from tests.integration.world import join

__all__ = ["_app", "app", "broker", "changes"]


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(concurrency=100)


@pytest.fixture
def tracking(app: Any) -> Any:
    """Let the site track when runs begin."""
    app.conf.task_track_started = True
    yield
    app.conf.task_track_started = False
