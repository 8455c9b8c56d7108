"""Fixtures of this room's tests: an app with a broker in memory, real tables, a brisk watcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from offload.topology import declarations, watcher
from tests.integration.fixtures import _app, app, changes
from tests.integration.topology.listeners import STARTED, threads
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["_app", "app", "changes"]


@pytest.fixture
def brisk(database_alias: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look often, let changes be short, and end with no thread that listens."""
    monkeypatch.setattr(declarations, "declared", [])
    monkeypatch.setattr(watcher, "PACE_SECONDS", 0.01)
    given = {**django_settings.OFFLOAD, "TOPOLOGY_AGE": 0, "TOPOLOGY_DELAY": 0.05}
    with override_settings(OFFLOAD={**given, "DATABASE": database_alias}):
        yield
        while STARTED:
            STARTED.pop().stop()
        eventually(lambda: not threads(), what="every thread has ended")
