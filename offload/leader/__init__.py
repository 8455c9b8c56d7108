"""What the leader does for all."""

from __future__ import annotations

__all__ = ["duties"]
