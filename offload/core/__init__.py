from __future__ import annotations

__all__ = [
    "attempt_key",
    "discovery",
    "envelopes",
    "exceptions",
    "moments",
    "nearness",
    "outcomes",
    "placement",
    "policies",
    "progress",
    "retries",
    "run_states",
    "session_sql",
    "stamps",
    "states",
    "texts",
    "tokens",
    "topics",
    "validation",
]
