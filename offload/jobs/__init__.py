"""A job's life from its claim on: claims, ends, losses, and requests of people."""

from __future__ import annotations

__all__ = [
    "aftermath",
    "async_completion",
    "claims",
    "decisions",
    "elsewhere",
    "endings",
    "groups",
    "late_messages",
    "losses",
    "obstacles",
    "refusals",
    "removing",
    "retrying",
    "stopping",
]
