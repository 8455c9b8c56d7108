"""Fixtures of this room's tests: an app with a broker in memory, and real tables."""

from __future__ import annotations

from tests.integration.fixtures import _app, alarms, app, broker, changes, media, term
from tests.integration.jobs.situations import elsewhere, followed

__all__ = ["_app", "alarms", "app", "broker", "changes", "elsewhere", "followed", "media", "term"]
