"""Replaced rows, filled when the last node of their canvas is submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.signatures import mark
from offload.core.placement.lanes import Lane
from offload.core.retries import least_pause
from offload.core.states import Hold
from offload.models import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.models import Job
    from offload.tracking.drafts import Draft

#: Option with the number of replacements, as Celery counts them.
NESTING_OPTION = "replaced_task_nesting"
#: A job that is replaced more often waits before each further one, as retries without a delay do.
FREE_REPLACEMENTS = 10
#: Facts by which others know the replaced job; they stay.
IDENTITY_OPTIONS = (
    "group_id",
    "group_index",
    "reply_to",
    "ignore_result",
    "join",
    "step",
    "step_inputs",
    "affinity",
)
CALLBACK_LISTS = ("chain", "link", "link_error")


def fits(row: Job, draft: Draft) -> bool:
    """Return whether the draft replaces the row's job.

    The row of a plain task may also meet its own draft again: it was submitted twice.
    """
    if row.hold != Hold.RELAY or draft.kind != Kind.RELAY or row.task != draft.task:
        return True
    return bool(_depth(draft.options) > _depth(row.options))


def _depth(options: Mapping[str, Any]) -> int:
    return options.get(NESTING_OPTION) or 0


def filled(row: Job, draft: Draft) -> Draft:
    """Return the draft with the row's tail behind its own.

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
        affinity=Lane.parse(row.lane).affinity,
        delay=_paused(draft),
        tail=tail or None,
        has_tail=row.has_tail or draft.has_tail,
    )


def _paused(draft: Draft) -> float | None:
    """Return the delay of a draft, longer for a job that has replaced itself again and again."""
    beyond = _depth(draft.options) - FREE_REPLACEMENTS
    return draft.delay if beyond < 1 else max(draft.delay or 0.0, least_pause(beyond))


def merged(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two tails; a chain is kept in reverse, with its next step last."""
    lists = {name: [*(then.get(name) or ()), *(first.get(name) or ())] for name in CALLBACK_LISTS}
    chord = then.get("chord") or first.get("chord")
    return {name: value for name, value in {**lists, "chord": chord}.items() if value}
