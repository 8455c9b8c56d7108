"""Policies of queues: retries, limits, retention; declared in settings or made by people."""

from __future__ import annotations

__all__ = ["declared", "declared_resources", "draining", "own_retries", "policies", "resources"]
