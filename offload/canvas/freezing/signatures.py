"""Celery's signatures as plain JSON, and the mark on members of joins."""

from __future__ import annotations

from typing import Any

#: Option of a chord's body, and so of every header task's copy of it: the id of the join.
JOIN_OPTION = "offload_join"
#: Its value if no join waits: it marks a plain task whose end must be reported to its row.
NO_JOIN = "-"
#: Option of a signature: the epoch of the earlier job with its frozen id.
EPOCH_OPTION = "offload_epoch"


def as_dicts(value: Any, key: str = "") -> Any:
    """Return a signature, or a part of one, as dicts and lists; lazy parts are evaluated.

    The copy of a body that each member of a join carries shrinks to the join's id.
    """
    if isinstance(value, dict):
        join = join_of(value) if key == "chord" else ""
        return mark(join) if join else {name: as_dicts(part, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_dicts(part) for part in value]
    return value


def join_of(body: Any) -> str:
    """Return the id of the join that a task with this chord option belongs to, or ""."""
    options = body.get("options") if isinstance(body, dict) else None
    return (options or {}).get(JOIN_OPTION) or ""


def mark(join: str) -> dict[str, Any]:
    """Return the chord option of a member: true for Celery, with the join's id."""
    return {
        "task": "offload.join",
        "args": [],
        "kwargs": {},
        "options": {JOIN_OPTION: join},
        "subtask_type": None,
        "immutable": True,
    }
