"""Fixtures of this room's tests: an app with a broker in memory, and real tables."""

from __future__ import annotations

from tests.integration.fixtures import _app, alarms, app, broker, changes, media

__all__ = ["_app", "alarms", "app", "broker", "changes", "media"]
