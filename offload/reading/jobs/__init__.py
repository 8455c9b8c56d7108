"""Jobs: found by their ids or by what they have in common; pages, attempts, files and steps."""

from __future__ import annotations

__all__ = ["history", "logs", "lookup", "often_sent", "page", "page_version", "selection"]
