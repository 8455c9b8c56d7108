"""Fixtures of this room's tests: an app with a broker in memory, and real tables."""

from __future__ import annotations

import pytest

from tests.integration.fixtures import _app, alarms, app, broker, changes, media

__all__ = ["_app", "alarms", "app", "broker", "changes", "media"]


@pytest.fixture
def values_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let statements be sent with their values, so that their text can be explained."""
    monkeypatch.setattr("offload.db.preparing.can_prepare", lambda _: False)
