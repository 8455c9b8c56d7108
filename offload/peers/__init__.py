"""Other clusters that share the broker and nothing else: who is there, and what they send."""

from __future__ import annotations

__all__ = [
    "announcing",
    "files",
    "links",
    "outboxes",
    "prompt",
    "prompt_thread",
    "requests",
    "silence",
    "travel",
]
