"""The database as offload uses it: its dialects, prepared statements, deadlocks begun anew."""

from __future__ import annotations

__all__ = ["conflicts", "database", "statements"]
