"""Ends of attempts, each one transaction: state, result and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.engine import aftermath, results
from offload.engine.canvas import replace as replacing
from offload.engine.canvas import tail
from offload.engine.canvas.tail import Ended
from offload.engine.claims import Facts, wants_result
from offload.engine.tracking import runs
from offload.engine.tracking.runs import Claimed, Fence, Written
from offload.models import database

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import Cause, RetryDecision
    from offload.engine.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An attempt that is about to end."""

    fence: Fence
    claimed: Claimed
    facts: Facts
    #: Celery's context of the run: the tasks it submitted are its children.
    request: Any

    def ended(self, status: str, **also: Any) -> Ended:
        """Return the end, for what hangs on it."""
        return Ended(
            id=self.fence.job_id,
            state=status,
            tail=self.claimed.tail,
            root_id=self.claimed.root_id,
            run_id=self.claimed.run_id,
            payload_id=self.claimed.payload_id,
            options=self.claimed.options,
            **also,
        )


def succeed(ending: Ending, value: object, *, silent: bool = False) -> JobState | None:
    """Make the job SUCCEEDED; return None for an attempt that was overtaken.

    ``silent`` writes no result, as Celery does for a task that raises Ignore.
    """
    there = results.backend()
    result = ending.facts.result(
        ending.fence.job_id,
        "SUCCESS",
        value=there.prepare_value(value),
        children=there.current_task_children(ending.request) or (),
    )
    written = _end(
        ending,
        None if silent else result,
        lambda due: runs.succeed(ending.fence, value, aftermath=due),
        ending.ended("SUCCESS", value=value),
    )
    return None if written is Written.STALE else JobState.SUCCEEDED


def fail(ending: Ending, decision: RetryDecision, error: ErrorInfo) -> JobState | None:
    """Make the job final as decided; return None for an attempt that was overtaken."""
    result = ending.facts.result(
        ending.fence.job_id, "FAILURE", value=results.exception(error), traceback=error.traceback
    )
    written = _end(
        ending,
        result,
        lambda due: runs.fail(ending.fence, decision, error, aftermath=due),
        ending.ended(
            "FAILURE",
            error_type=results.type_of(error),
            error=error.message,
            job_state=decision.state,
        ),
    )
    return None if written is Written.STALE else decision.state


def _end(
    ending: Ending, result: Result | None, write: Callable[[bool], Written], ended: Ended
) -> Written:
    wanted = result if wants_result(ending.claimed) else None
    inside = results.in_transaction()
    due = wanted is not None and not inside
    if not (inside and wanted) and not ending.claimed.has_tail:
        written = write(due)
    else:
        with database.atomic():
            written = write(due)
            if written is Written.NOW:
                _follow(ending, wanted if inside else None, ended)
    if wanted is not None and due and written is Written.NOW:
        aftermath.deliver(wanted)
    return written


def _follow(ending: Ending, result: Result | None, ended: Ended) -> None:
    if result is not None:
        results.write(result)
    if ending.claimed.has_tail:
        tail.follow(ended)


def requeue(
    ending: Ending,
    decision: RetryDecision,
    error: ErrorInfo | None,
    *,
    cause: Cause,
    changes: Mapping[str, object],
) -> JobState | None:
    """Put the job back; return its state, or None for an attempt that was overtaken."""
    job_id = ending.fence.job_id
    with database.atomic():
        state = runs.requeue(ending.fence, decision, error, cause=cause, changes=changes)
        if state is not None:
            results.mark_retry([job_id])
    if state is not None and state.is_final:
        aftermath.conclude_all([job_id])
    return state


def replace(ending: Ending, signature: Mapping[str, Any]) -> JobState | None:
    """Put a canvas in the job's place, whose last node fills the job's row; return its state."""
    with database.atomic():
        state = replacing.replaced(ending.fence, signature)
    if state is not None and state.is_final:
        aftermath.conclude_all([ending.fence.job_id])
    return state
