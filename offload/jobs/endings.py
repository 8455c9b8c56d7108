"""Ends of attempts, each one transaction: the state, and the sinks of a job that is final."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from offload.canvas import replace as replacing
from offload.canvas.following.tail import Ended
from offload.core.files.deliveries import DELIVER_OPTION
from offload.core.states import JobState
from offload.db import database
from offload.jobs import aftermath, sinks
from offload.results import result_backend, task_results
from offload.runs import step_ends
from offload.tracking import async_completion, finishing
from offload.tracking.assignments import SAME_CALL
from offload.tracking.finishing import FinishOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import Cause, RetryDecision
    from offload.db.statements import Statement
    from offload.jobs.claims import MessageFacts
    from offload.jobs.sinks import Sink
    from offload.results.result_backend import Result
    from offload.tracking.assignments import NewCall
    from offload.tracking.claiming import Claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An attempt that is about to end."""

    key: AttemptKey
    claimed: Claimed
    facts: MessageFacts

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend keeps no result: the call decides, else the task."""
        asked = self.claimed.options.get("ignore_result")
        return self.facts.is_silent if asked is None else bool(asked)

    def result(self, status: str, **also: Any) -> Result:
        """Return the result for Celery's backend, with its reply queue."""
        options = self.claimed.options
        return self.facts.result(
            self.key.job_id, status, reply_to=options.get("reply_to"), options=options, **also
        )

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
    """A job that its own attempt makes final, with the facts of the run."""

    ending: Ending
    result: Result
    #: Whether to keep no result, whatever the call and the task say.
    silent: bool = False
    #: Further facts for the job's successors.
    facts: Mapping[str, Any]

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return self.ending.key.job_id

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend keeps no result."""
        return self.silent or self.ending.is_silent

    @property
    def has_tail(self) -> bool:
        """Return whether the job has successors or a join."""
        return self.ending.claimed.has_tail

    @property
    def has_failed(self) -> bool:
        """Return whether it ends because of a failure."""
        return self.result.status == "FAILURE"

    @property
    def step(self) -> str:
        """Return the name of the step that it is in its run; "" for a job that is none."""
        return step_ends.step_of(self.ending.claimed.options, self.ending.claimed.run_id)

    @property
    def orders(self) -> object:
        """Return the frozen orders for deliveries of outputs; None if there are none to make."""
        is_good = self.result.status == "SUCCESS"
        return self.ending.claimed.options.get(DELIVER_OPTION) if is_good else None

    @property
    def ended(self) -> Ended:
        """Return the end, for what hangs on it."""
        return self.ending.ended(self.result.status, **self.facts)

    @property
    def job(self) -> None:
        """Return None, as the row is not read."""


def success(ending: Ending, value: object, *, silent: bool = False) -> AttemptCompletion:
    """Return the completion of a job that succeeds; ``silent`` keeps no result."""
    there = result_backend.backend()
    # A result object of Celery is handed on in its serialized form.
    value = there.prepare_value(value)
    children = there.current_task_children(ending.facts.request) or ()
    result = ending.result("SUCCESS", value=value, children=children)
    return AttemptCompletion(ending=ending, result=result, silent=silent, facts={"value": value})


def succeed(ending: Ending, value: object, *, silent: bool = False) -> JobState | None:
    """Make the job SUCCEEDED; return None for a stale attempt.

    ``silent`` writes no result, as Celery does for a task that raises Ignore.
    """
    end = success(ending, value, silent=silent)
    write = partial(finishing.succeed, ending.key, end.result.value)
    written = _end(end, lambda due, then: write(aftermath=due, then=then))
    return None if written is FinishOutcome.STALE else JobState.SUCCEEDED


def fail(ending: Ending, decision: RetryDecision, error: ErrorInfo) -> JobState | None:
    """Make the job final as decided; return None for a stale attempt."""
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
        lambda due, then: finishing.fail(ending.key, decision, error, aftermath=due, then=then),
    )
    return None if written is FinishOutcome.STALE else decision.state


def _end(
    end: AttemptCompletion, write: Callable[[bool, Statement | None], FinishOutcome]
) -> FinishOutcome:
    """Make a job final together with its sinks; ``write`` is told whether any are outside."""
    outside, inside, after = sinks.wanted(end)
    then, inside = _joined(end, inside)
    # Right after the commit, before successors are offered: they may read the result.
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
    """Return the statement that goes with the finish, and the other sinks inside."""
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
    call: NewCall = SAME_CALL,
) -> JobState | None:
    """Put the job back; return its state, or None for a stale attempt."""
    job_id, result = ending.key.job_id, _retry(ending, error)
    inside = task_results.in_transaction()
    if result is not None and not inside:
        # Before another attempt can begin, and end, so that no later result is replaced.
        aftermath.announce(result)
    with database.atomic():
        state = finishing.requeue(ending.key, decision, error, cause=cause, call=call)
        if state is JobState.PENDING and result is not None and inside:
            task_results.write(result)
    is_over = state is not None and state.is_final and not aftermath.conclude_all([job_id])
    if (state is None or is_over) and result is not None and not inside:
        aftermath.correct(job_id)
    return state


def stop(ending: Ending) -> JobState | None:
    """Make the job STOPPED; return None if no stop was requested, or for a stale attempt."""
    state = finishing.stop(ending.key)
    if state is not None:
        aftermath.conclude_all([ending.key.job_id])
    return state


def _retry(ending: Ending, error: ErrorInfo | None) -> Result | None:
    """Return Celery's result with the state RETRY, or None if no result is kept."""
    if ending.is_silent:
        return None
    value = result_backend.exception(error) if error else None
    return ending.result("RETRY", value=value, traceback=error.traceback if error else None)


def hand_over(ending: Ending, timeout: float) -> JobState | None:
    """Detach the job from its instance for that many seconds, until its token ends it.

    Return its state, or None for a stale attempt. The state is ACTIVE also if the token has already
    ended this attempt.
    """
    state = async_completion.hand_over(ending.key, timeout)
    if state is None:
        return JobState.ACTIVE if async_completion.was_ended(ending.key) else None
    if state.is_final:
        aftermath.conclude_all([ending.key.job_id])
    return state


def replace(ending: Ending, signature: Mapping[str, Any]) -> JobState | None:
    """Replace the job by a canvas, whose last node fills the job's row; return the state."""
    with database.atomic():
        state = replacing.replaced(ending.key, signature)
    if state is not None and state.is_final:
        aftermath.conclude_all([ending.key.job_id])
    return state
