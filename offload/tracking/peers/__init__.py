"""Statements about jobs that one cluster runs for another (section P)."""

from __future__ import annotations

__all__ = ["clones", "elsewhere", "news", "withdrawals"]
