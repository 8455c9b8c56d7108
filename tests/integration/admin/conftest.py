"""Fixtures of these pages' tests: users with few permissions, and a small cluster."""

from __future__ import annotations

from tests.integration.browser.fixtures import _database, admin, boss, staff

__all__ = ["_database", "admin", "boss", "staff"]
