"""Files of jobs: what goes in, what comes out, and what is removed."""

from __future__ import annotations

__all__ = ["deletion", "outputs", "payloads", "retention", "storing"]
