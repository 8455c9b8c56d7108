"""The claims of a message about itself: anybody may have written them."""

from __future__ import annotations

import math
from typing import Any

from offload.core.envelopes import HEADER, Envelope, Malformed

#: What no message of a job has: it would wait in the worker's memory, or be refused there.
ABSENT_HEADERS = ("eta", "expires")


def envelope_of(message: Any) -> Envelope | None:
    """Return the envelope of a job's message; None where it is no job's.

    Raise Malformed.
    """
    headers = message.headers
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
        return "its task's name is no text"
    if any(headers.get(name) is not None for name in ABSENT_HEADERS):
        return "it has a time of its own"
    if not _are_limits(headers.get("timelimit")):
        return "its time limits are none"
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
