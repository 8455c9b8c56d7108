"""Decisions of people about steps that wait, and events that they send; each recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.workflows.waits import WaitKind
from offload.db import database
from offload.operations.changes.runs import RunAction, record
from offload.runs import deciding, step_decisions, step_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.models import Run, StepWait
    from offload.operations.changes.actors import Actor


def approve(
    run_id: str, step: str, *, by: Actor | None = None, name: str = "", note: str = ""
) -> None:
    """Approve a step that waits for it; ``name`` says who, where nobody is recorded.

    Raise UnknownRun, UnknownStep, RunRefused, and AlreadyDecided if somebody was faster.
    """
    _decide(step_decisions.approve, RunAction.APPROVE, run_id, step, by, name, note)


def reject(
    run_id: str, step: str, *, by: Actor | None = None, name: str = "", note: str = ""
) -> None:
    """Reject a step that waits for an approval, as ``approve`` approves it."""
    _decide(step_decisions.reject, RunAction.REJECT, run_id, step, by, name, note)


def _decide(
    decide: Callable[..., Run],
    action: RunAction,
    run_id: str,
    step: str,
    by: Actor | None,
    name: str,
    note: str,
) -> None:
    with database.atomic():
        row = decide(run_id, step, by=by.name if by else name, note=note)
        record(action, row, by, note, about=step)


def token(run_id: str, step: str) -> str:
    """Return the token of a step that waits for one, now or later.

    Raise UnknownRun, UnknownStep, and RunRefused if it does not wait for a token.
    """
    deciding.check_kind(run_id, step, WaitKind.TOKEN)
    return step_tokens.token_of(run_id, step)


def send_event(
    name: str,
    value: Any,
    *,
    run_id: str = "",
    first: bool = False,
    by: Actor | None = None,
    note: str = "",
) -> list[StepWait]:
    """End the steps that wait for an event; raise InvalidValue for a value that is no JSON."""
    kept = step_decisions.check_value(value)
    ended = deciding.send_event(name, kept, run_id=run_id, first=first)
    for one in ended:
        record(RunAction.EVENT, one.run, by, note, about=one.step)
    return ended
