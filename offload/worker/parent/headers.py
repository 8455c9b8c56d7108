"""The headers of a message, which anybody may have written."""

from __future__ import annotations

import math
from typing import Any

from offload.core.envelopes import HEADER, PROBE_HEADER, Envelope, Malformed

#: Where a message keeps its envelope: several handlers of Celery's ask for it.
READ = "offload_envelope"
#: Headers that no job's message has: it would wait in the worker's memory, or be refused there.
ABSENT_HEADERS = ("eta", "expires")


def envelope_of(message: Any) -> Envelope | None:
    """Return the envelope of a job's message, read only once, or None for any other message.

    Raise Malformed if it is unreadable, or if the headers contradict it.
    """
    if not hasattr(message, READ):
        setattr(message, READ, _read(message.headers))
    found: Envelope | None = getattr(message, READ)
    return found


def probe_of(message: Any) -> int | None:
    """Return the number of a probe of the instance's agent, or None for any other message."""
    found = message.headers.get(PROBE_HEADER) if isinstance(message.headers, dict) else None
    return found if isinstance(found, int) else None


def _read(headers: object) -> Envelope | None:
    if not isinstance(headers, dict) or HEADER not in headers:
        return None
    envelope = Envelope.read(headers[HEADER])
    if problem := _surrounding_problem(headers, envelope.job_id):
        raise Malformed(problem)
    return envelope


def _surrounding_problem(headers: dict[str, Any], job_id: str) -> str:
    if headers.get("id") != job_id:
        return "its own id is not its job's"
    if not isinstance(headers.get("task"), str):
        return "its task's name is not a text"
    for name in ABSENT_HEADERS:
        if headers.get(name) is not None:
            return "it has a time of its own"
    if not _are_limits(headers.get("timelimit")):
        return "its time limits are invalid"
    return ""


def _are_limits(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_limit, value))


def _is_limit(value: object) -> bool:
    if value is None:
        return True
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]
