"""Rules and switches: how they are changed, what that changes besides, and their enforcement."""

from __future__ import annotations

__all__ = [
    "editing",
    "effects",
    "enforcement",
    "peer_switches",
    "rule_outcomes",
    "switching",
    "validation",
]
