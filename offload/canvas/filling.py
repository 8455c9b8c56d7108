"""Replaced rows, filled when the last node of their canvas is submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.signatures import mark
from offload.core.states import Hold
from offload.models import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.models import Job
    from offload.tracking.drafts import Draft

#: How often a task was replaced, as Celery counts it.
NESTING_OPTION = "replaced_task_nesting"
#: What the replaced job was to others stays.
IDENTITY_OPTIONS = ("group_id", "group_index", "reply_to", "ignore_result", "join")
CALLBACK_LISTS = ("chain", "link", "link_error")


def fits(row: Job, draft: Draft) -> bool:
    """Return whether the draft replaces what the row stands for.

    The row of a plain task may also meet its own draft again: it was submitted twice.
    """
    if row.hold != Hold.RELAY or draft.kind != Kind.RELAY or row.task != draft.task:
        return True
    return bool(_depth(draft.options) > _depth(row.options))


def _depth(options: Mapping[str, Any]) -> int:
    return options.get(NESTING_OPTION) or 0


def filled(row: Job, draft: Draft) -> Draft:
    """Return the draft with what hangs on the row's end, after what hangs on its own.

    Celery has moved what hung on a plain task to the canvas that replaced it.
    """
    if row.hold == Hold.RELAY:
        return draft
    identity = {name: row.options[name] for name in IDENTITY_OPTIONS if name in row.options}
    if draft.kind == Kind.RELAY:
        options = {**draft.options, **identity, **merged(draft.options, row.tail or {})}
        join = options.pop("join", "")
        return replace(
            draft,
            options={**options, "chord": mark(join)} if join else options,
            has_tail=row.has_tail or draft.has_tail,
        )
    tail = merged(draft.tail or {}, row.tail or {})
    return replace(
        draft,
        options={**draft.options, **identity},
        tail=tail or None,
        has_tail=row.has_tail or draft.has_tail,
    )


def merged(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Return one tail of two; a chain is kept in reverse, its next step last."""
    lists = {name: [*(then.get(name) or ()), *(first.get(name) or ())] for name in CALLBACK_LISTS}
    chord = then.get("chord") or first.get("chord")
    return {name: value for name, value in {**lists, "chord": chord}.items() if value}
