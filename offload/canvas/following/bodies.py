"""Bodies of chords that cannot run: which callbacks are called, and with which id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.walk import many, members, options_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def callbacks_of(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the error callbacks of a body, each with the id that it is called with.

    As Celery calls them when a header fails: those of a group once per task of it, its own
    together with the group's; those of a chord with its own body's, whose result is the chord's.
    """
    if body.get("subtask_type") != "group":
        return [(result_id(body), one) for one in _errbacks(body)]
    shared = _own(body)
    return [
        (result_id(task), one)
        for task in members(body)
        for one in _unique([*_errbacks(task), *shared])
    ]


def result_id(signature: Mapping[str, Any]) -> str:
    """Return the id of a frozen signature's result; for a chain, that of its last step."""
    given = options_of(signature).get("task_id") or ""
    kind, parts = signature.get("subtask_type"), parts_of(signature)
    if parts and parts.inner and (kind == "chord" or (kind == "chain" and not given)):
        return result_id(many(parts.inner)[-1])
    return given


def _errbacks(signature: Mapping[str, Any]) -> list[Any]:
    parts = parts_of(signature)
    if signature.get("subtask_type") != "chord" or not parts or not parts.inner:
        return _own(signature)
    inner = [one for _, one in callbacks_of(parts.inner)]
    return _unique([*_own(signature), *inner])


def _own(signature: Mapping[str, Any]) -> list[Any]:
    return many(options_of(signature).get("link_error"))


def _unique(found: Iterable[Any]) -> list[Any]:
    unique: list[Any] = []
    for one in found:
        if one not in unique:
            unique.append(one)
    return unique
