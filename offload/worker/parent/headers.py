"""What a message says that it is: read as something that anybody may have written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from offload.core.placement.topology import PROTOCOL_VERSION

if TYPE_CHECKING:
    from offload.worker.parent.in_flight import Key

HEADER = "offload"
#: The largest epoch that a row holds, and the longest id.
EPOCH_MAX, ID_MAX = 2**31 - 1, 255
#: What no message of a job has: it would wait in the worker's memory, or be refused there.
ABSENT = ("eta", "expires")
TEXTS = ("topic", "instance", "incarnation")
FLAGS = ("silent", "limited")


class Malformed(Exception):
    """A message is nothing that a job was ever sent as; the text says why, without its content."""


def binding_of(message: Any) -> Key | None:
    """Return the job and epoch that a message is for; None where it is no job's.

    Raise Malformed.
    """
    headers = message.headers
    if not isinstance(headers, dict) or HEADER not in headers:
        return None
    header = headers[HEADER]
    if not isinstance(header, dict):
        raise Malformed("its header is no object")
    problem = _problem(header) or _surrounding_problem(headers, header["id"])
    if problem:
        raise Malformed(problem)
    return header["id"], header["epoch"]


def _problem(header: dict[str, Any]) -> str:
    job_id = header.get("id")
    if not isinstance(job_id, str) or not 0 < len(job_id) <= ID_MAX or not is_text(job_id):
        return "its job's id is none"
    if not _is_number(header.get("epoch"), most=EPOCH_MAX):
        return "its epoch is no number"
    if header.get("v") != PROTOCOL_VERSION:
        # Nobody sends a job to an instance that announced an earlier one.
        return "it speaks another protocol"
    if not all(isinstance(header.get(name, ""), str) for name in TEXTS):
        return "its topic or instance is no text"
    if not all(isinstance(header.get(name, False), bool) for name in FLAGS):
        return "a flag in it is none"
    return ""


def _surrounding_problem(headers: dict[str, Any], job_id: str) -> str:
    if headers.get("id") != job_id:
        return "its own id is not its job's"
    if not isinstance(headers.get("task"), str):
        return "its task's name is no text"
    if any(headers.get(name) is not None for name in ABSENT):
        return "it has a time of its own"
    if not _are_limits(headers.get("timelimit")):
        return "its time limits are none"
    return ""


def _is_number(value: object, *, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def _are_limits(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_limit, value))


def _is_limit(value: object) -> bool:
    if value is None:
        return True
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]


def is_text(value: str) -> bool:
    """Return whether every database takes the text."""
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
