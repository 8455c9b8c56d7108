"""Celery's signatures as plain JSON, and the mark by which members of our joins are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: Option of a chord's body, and so of every header task's copy of it: the id of our join.
JOIN_OPTION = "offload_join"
#: In its place where no join waits: a plain task is marked so that its end is told to its row.
NO_JOIN = "-"
#: Option of a signature: the epoch of the job that had its frozen id before.
EPOCH_OPTION = "offload_epoch"


def plain(value: Any, key: str = "") -> Any:
    """Return a signature, or anything in one, as dicts and lists; lazy parts are read.

    The copy of a body that each member of a join carries shrinks to the join's id.
    """
    if isinstance(value, dict):
        join = join_of(value) if key == "chord" else ""
        return mark(join) if join else {name: plain(part, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def join_of(body: Any) -> str:
    """Return the id of our join that waits for the bearer of this chord option, or nothing."""
    options = body.get("options") if isinstance(body, dict) else None
    return (options or {}).get(JOIN_OPTION) or ""


def mark(join: str) -> dict[str, Any]:
    """Return the chord option of a member: as true as Celery needs it, and our join's id."""
    return {
        "task": "offload.join",
        "args": [],
        "kwargs": {},
        "options": {JOIN_OPTION: join},
        "subtask_type": None,
        "immutable": True,
    }


class Parts(NamedTuple):
    """The parts of a chain, group or chord: one signature, several, or a generator."""

    #: The header of a chord.
    header: Any
    #: The tasks of a chain or group; the body of a chord.
    inner: Any


def parts_of(signature: Mapping[str, Any]) -> Parts | None:
    """Return what a signature is made of; None for a single task. Nothing lazy is read."""
    given = signature.get("kwargs")
    kwargs = given if isinstance(given, Mapping) else {}
    match signature.get("subtask_type"):
        case "chain" | "group":
            return Parts(header=None, inner=kwargs.get("tasks"))
        case "chord":
            return Parts(header=kwargs.get("header"), inner=kwargs.get("body"))
    return None


def many(value: Any) -> list[Any]:
    """Return one signature, several, or none as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else list(value)
