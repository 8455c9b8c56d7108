"""What a row becomes that was replaced by a canvas, when its last node is submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.engine.canvas.signatures import mark
from offload.models import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.engine.tracking.drafts import Draft
    from offload.models import Job

#: What the replaced job was to others stays.
IDENTITY = ("group_id", "group_index", "reply_to", "ignore_result", "join")
LISTS = ("chain", "link", "link_error")


def filled(row: Job, draft: Draft) -> Draft:
    """Return the draft with what hangs on the row's end, after what hangs on its own."""
    identity = {name: row.options[name] for name in IDENTITY if name in row.options}
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
    lists = {name: [*(then.get(name) or ()), *(first.get(name) or ())] for name in LISTS}
    chord = then.get("chord") or first.get("chord")
    return {name: value for name, value in {**lists, "chord": chord}.items() if value}
