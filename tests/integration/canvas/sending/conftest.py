"""Fixtures of these tests."""

from __future__ import annotations

from tests.integration.canvas.sending.relaying import breaker, impatient

__all__ = ["breaker", "impatient"]
