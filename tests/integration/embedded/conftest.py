"""Fixtures of these tests."""

from __future__ import annotations

from tests.integration.embedded.servers import directory, embedded

__all__ = ["directory", "embedded"]
