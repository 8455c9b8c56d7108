"""Fixtures of two sites in one process."""

from __future__ import annotations

from tests.integration.peers.requests.conftest import _app, app, broker, changes, link, mail

__all__ = ["_app", "app", "broker", "changes", "link", "mail"]
