"""The database as offload uses it: dialects, statements, managers, retries after deadlocks."""

from __future__ import annotations

__all__ = ["conflicts", "database", "managers", "notices", "row_sets", "standstill", "statements"]
