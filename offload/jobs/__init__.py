"""A job's life from its claim on: claims, ends, losses, and what people ask of it."""

from __future__ import annotations

__all__ = [
    "aftermath",
    "async_completion",
    "claims",
    "decisions",
    "endings",
    "late_messages",
    "losses",
    "obstacles",
    "refusals",
    "removing",
    "retrying",
    "stopping",
]
