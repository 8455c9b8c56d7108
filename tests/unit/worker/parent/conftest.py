"""Fixtures of these tests."""

from __future__ import annotations

from tests.unit.worker.parent.messages import app, held

__all__ = ["app", "held"]
