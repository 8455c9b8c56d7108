"""Fixtures of jobs that travel."""

from __future__ import annotations

from tests.integration.peers.travel.conftest import _app, app, broker, changes, link

__all__ = ["_app", "app", "broker", "changes", "link"]
