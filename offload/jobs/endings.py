"""Ends of attempts, each one transaction: the state, and the sinks of a job that is final."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from offload.canvas import replace as replacing
from offload.canvas.following.tail import Ended
from offload.core.states import JobState
from offload.db import database
from offload.jobs import aftermath, sinks
from offload.results import result_backend, task_results
from offload.tracking import async_completion, runs
from offload.tracking.runs import FinishOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import Cause, RetryDecision
    from offload.db.statements import Statement
    from offload.jobs.claims import MessageFacts
    from offload.jobs.sinks import Sink
    from offload.results.result_backend import Result
    from offload.tracking.claiming import Claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An attempt that is about to end."""

    key: AttemptKey
    claimed: Claimed
    facts: MessageFacts

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend is to say nothing: as the call says, else the task."""
        asked = self.claimed.options.get("ignore_result")
        return self.facts.is_silent if asked is None else bool(asked)

    def result(self, status: str, **also: Any) -> Result:
        """Return what Celery's backend is to say, to whom the submitter asked it to."""
        reply_to = self.claimed.options.get("reply_to")
        return self.facts.result(self.key.job_id, status, reply_to=reply_to, **also)

    def ended(self, status: str, **also: Any) -> Ended:
        """Return the end, for what hangs on it."""
        return Ended(
            id=self.key.job_id,
            state=status,
            tail=self.claimed.tail,
            root_id=self.claimed.root_id,
            run_id=self.claimed.run_id,
            payload_id=self.claimed.payload_id,
            options=self.claimed.options,
            **also,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCompletion:
    """A job that its own attempt makes final: all of it is known from the run."""

    ending: Ending
    result: Result
    #: Whether no result is kept, whatever the call and the task say.
    silent: bool = False
    #: Further facts for what hangs on the end.
    facts: Mapping[str, Any]

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return self.ending.key.job_id

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend is to say nothing."""
        return self.silent or self.ending.is_silent

    @property
    def has_tail(self) -> bool:
        """Return whether something hangs on the end."""
        return self.ending.claimed.has_tail

    @property
    def ended(self) -> Ended:
        """Return the end, for what hangs on it."""
        return self.ending.ended(self.result.status, **self.facts)

    @property
    def job(self) -> None:
        """Return no row: nobody has read it."""


def succeed(ending: Ending, value: object, *, silent: bool = False) -> JobState | None:
    """Make the job SUCCEEDED; return None for an attempt that was overtaken.

    ``silent`` writes no result, as Celery does for a task that raises Ignore.
    """
    there = result_backend.backend()
    # A result of Celery's own is handed on as what stands for it.
    value = there.prepare_value(value)
    result = ending.result(
        "SUCCESS",
        value=value,
        children=there.current_task_children(ending.facts.request) or (),
    )
    written = _end(
        AttemptCompletion(ending=ending, result=result, silent=silent, facts={"value": value}),
        lambda due, then: runs.succeed(ending.key, value, aftermath=due, then=then),
    )
    return None if written is FinishOutcome.STALE else JobState.SUCCEEDED


def fail(ending: Ending, decision: RetryDecision, error: ErrorInfo) -> JobState | None:
    """Make the job final as decided; return None for an attempt that was overtaken."""
    result = ending.result(
        "FAILURE", value=result_backend.exception(error), traceback=error.traceback
    )
    facts = {
        "error_type": result_backend.type_of(error),
        "error": error.message,
        "job_state": decision.state,
    }
    written = _end(
        AttemptCompletion(ending=ending, result=result, facts=facts),
        lambda due, then: runs.fail(ending.key, decision, error, aftermath=due, then=then),
    )
    return None if written is FinishOutcome.STALE else decision.state


def _end(
    end: AttemptCompletion, write: Callable[[bool, Statement | None], FinishOutcome]
) -> FinishOutcome:
    """Make a job final together with its sinks; ``write`` gets whether any are outside."""
    outside, inside, after = sinks.wanted(end)
    then, inside = _joined(end, inside)
    # Right after the commit, before what follows is offered: it may look for the result.
    early = bool(inside) and not database.in_transaction()
    with database.atomic() if inside else nullcontext():
        written = write(bool(outside), then)
        is_mine = written is FinishOutcome.NOW
        if outside and is_mine and early:
            database.on_commit(partial(aftermath.deliver, end))
        for sink in inside + after if is_mine else ():
            sink.act(end)
    if outside and is_mine and not early:
        aftermath.deliver(end)
    return written


def _joined(end: AttemptCompletion, inside: list[Sink]) -> tuple[Statement | None, list[Sink]]:
    """Return the statement that goes with the finish, and the sinks that act beside it."""
    for sink in inside:
        if sink.statement is not None:
            return sink.statement(end), [one for one in inside if one is not sink]
    return None, inside


def requeue(
    ending: Ending,
    decision: RetryDecision,
    error: ErrorInfo | None,
    *,
    cause: Cause,
    changes: Mapping[str, object],
    expires_in: float | None = None,
) -> JobState | None:
    """Put the job back; return its state, or None for an attempt that was overtaken."""
    job_id, result = ending.key.job_id, _retry(ending, error)
    inside = task_results.in_transaction()
    if result is not None and not inside:
        # Before another attempt can begin, and so end: no later word of it is replaced.
        aftermath.announce(result)
    with database.atomic():
        state = runs.requeue(
            ending.key, decision, error, cause=cause, changes=changes, expires_in=expires_in
        )
        if state is JobState.PENDING and result is not None and inside:
            task_results.write(result)
    is_over = state is not None and state.is_final and not aftermath.conclude_all([job_id])
    if (state is None or is_over) and result is not None and not inside:
        aftermath.correct(job_id)
    return state


def stop(ending: Ending) -> JobState | None:
    """Make a job STOPPED whose stop was requested; return None where it was not, or overtaken."""
    state = runs.stop(ending.key)
    if state is not None:
        aftermath.conclude_all([ending.key.job_id])
    return state


def _retry(ending: Ending, error: ErrorInfo | None) -> Result | None:
    """Return the result that says RETRY, as Celery stores it, unless none is wanted."""
    if ending.is_silent:
        return None
    value = result_backend.exception(error) if error else None
    return ending.result("RETRY", value=value, traceback=error.traceback if error else None)


def hand_over(ending: Ending, timeout: float) -> JobState | None:
    """Take the job from its instance until its token ends it, for so many seconds.

    Return its state, which is ACTIVE also where the token has ended this attempt already, and
    None for an attempt that was overtaken.
    """
    state = async_completion.hand_over(ending.key, timeout)
    if state is None:
        return JobState.ACTIVE if async_completion.was_ended(ending.key) else None
    if state.is_final:
        aftermath.conclude_all([ending.key.job_id])
    return state


def replace(ending: Ending, signature: Mapping[str, Any]) -> JobState | None:
    """Put a canvas in the job's place, whose last node fills the job's row; return its state."""
    with database.atomic():
        state = replacing.replaced(ending.key, signature)
    if state is not None and state.is_final:
        aftermath.conclude_all([ending.key.job_id])
    return state
