"""The leader's work for the whole fleet."""

from __future__ import annotations

__all__ = ["duties"]
