"""Decisions about steps that wait: by people, by tokens, by events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.exceptions import InvalidProperties, InvalidValue
from offload.core.validation.job_properties import check_properties
from offload.core.workflows.waits import WaitKind, WaitOutcome
from offload.runs import step_tokens
from offload.runs.deciding import Decision, decide

if TYPE_CHECKING:
    from offload.core.tokens import StepToken
    from offload.models import Run


def approve(run_id: str, step: str, *, by: str, note: str) -> Run:
    """Approve a step; return the run's row."""
    outcome = WaitOutcome.APPROVED
    return decide(run_id, step, Decision(kind=WaitKind.APPROVAL, outcome=outcome, by=by, note=note))


def reject(run_id: str, step: str, *, by: str, note: str) -> Run:
    """Reject a step, which fails it; return the run's row."""
    outcome = WaitOutcome.REJECTED
    return decide(run_id, step, Decision(kind=WaitKind.APPROVAL, outcome=outcome, by=by, note=note))


def complete(token: StepToken, value: Any) -> None:
    """End the step of a token with this value."""
    step_tokens.check(token)
    decision = Decision(
        kind=WaitKind.TOKEN, outcome=WaitOutcome.COMPLETED, value=check_value(value)
    )
    decide(token.run_id, token.step, decision)


def fail(token: StepToken, message: str) -> None:
    """Fail the step of a token."""
    step_tokens.check(token)
    decision = Decision(kind=WaitKind.TOKEN, outcome=WaitOutcome.FAILED, note=message)
    decide(token.run_id, token.step, decision)


def check_value(value: Any) -> Any:
    """Return a value as plain JSON; raise InvalidValue if it cannot be a result."""
    try:
        return check_properties({"value": value}, settings().max_properties)["value"]
    except InvalidProperties as error:
        kind = type(value).__name__
        raise InvalidValue(kind=kind, problem=f"{error.path} {error.problem}") from error
