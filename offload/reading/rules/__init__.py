"""Rules, switches and queues as people set them: those in force, unreadable rows, changes."""

from __future__ import annotations

__all__ = ["applied", "change_records", "peer_requests", "rulebook", "unreadable"]
