"""Changes that people make, for pages and commands alike."""

from __future__ import annotations

__all__ = ["bulk", "handles", "submission", "waiting"]
