from __future__ import annotations

__all__ = [
    "VERSION",
    "admission",
    "alarms",
    "attempt_key",
    "discovery",
    "envelopes",
    "exceptions",
    "files",
    "job_log",
    "launchers",
    "lazy",
    "lint",
    "matching",
    "moments",
    "nearness",
    "outcomes",
    "peers",
    "placement",
    "policies",
    "progress",
    "retries",
    "session_sql",
    "states",
    "texts",
    "timing",
    "tokens",
    "topics",
    "transfers",
    "validation",
    "workflows",
]

#: Of this package.
VERSION = "0.1.0.dev0"
