"""Ends of waits: each is taken into its run under the run's lock, and the first one counts (K5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.context import Origin
from offload.core.exceptions import AlreadyDecided, RunRefused, UnknownRun, UnknownStep
from offload.core.workflows import plans
from offload.core.workflows.plans import StepState
from offload.core.workflows.waits import WORDS, WaitKind, WaitOutcome
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.models import Run, StepWait
from offload.models.fields import DatabaseNow
from offload.runs.advancing import advance
from offload.runs.locking import locked
from offload.runs.step_waits import TEXT_MAX

if TYPE_CHECKING:
    from offload.core.workflows.plans import Entry
    from offload.runs.locking import Locked

#: Waits whose time is over that are ended at once.
DUE_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The end of a wait, as somebody wants it."""

    kind: WaitKind
    outcome: WaitOutcome
    #: The person who decides; "" for a program.
    by: str = ""
    note: str = ""
    #: The step's result; None for that of an approval.
    value: Any = None

    def is_of(self, wait: StepWait) -> bool:
        """Tell whether a wait has ended by this decision already, which is then said twice."""
        mine = (self.outcome, self.by[:TEXT_MAX])
        return mine == (wait.outcome, wait.actor) and self._has_value(wait)

    def _has_value(self, wait: StepWait) -> bool:
        return self.kind is WaitKind.APPROVAL or bool(wait.value == self.value)


@retried
def decide(run_id: str, step: str, decision: Decision) -> Run:
    """End a step's wait, and let its run go on; return the run's row.

    The same decision of the same person a second time changes nothing. Raise UnknownRun,
    UnknownStep, AlreadyDecided if it ended otherwise, and RunRefused if the step waits for
    something else, or does not wait yet.
    """
    with database.atomic():
        run = _locked(run_id)
        _check_step(run, step)
        _check_kind(run, step, decision.kind)
        entry = run.plan[step]
        wait = StepWait.objects.filter(run=run_id, step=step).first()
        if wait is not None and wait.ended_at is None and not entry.state.is_final:
            _end(run, entry, wait, decision)
        elif wait is None or not decision.is_of(wait):
            raise _refusal(run, step, entry, wait)
    return run.row


def _locked(run_id: str) -> Locked:
    run = locked(run_id)
    if run is not None:
        return run
    if not Run.objects.filter(pk=run_id).exists():
        raise UnknownRun(run_id=run_id)
    raise RunRefused(run_id=run_id, problem="is led by Celery's canvas: none of its steps waits")


def check_kind(run_id: str, step: str, kind: WaitKind) -> None:
    """Raise UnknownRun, UnknownStep, or RunRefused unless a step waits for this, now or later."""
    with database.atomic():
        run = _locked(run_id)
        _check_step(run, step)
        _check_kind(run, step, kind)


def _check_step(run: Locked, step: str) -> None:
    if step not in run.graph.by_name:
        raise UnknownStep(run_id=run.row.pk, step=step, known=tuple(run.graph.by_name))


def _check_kind(run: Locked, step: str, kind: WaitKind) -> None:
    wait = run.graph.by_name[step].wait
    if wait is None or wait.kind is not kind:
        waits = f"waits for {WORDS[wait.kind]}" if wait else "is a job"
        problem = f"has no step {step} that waits for {WORDS[kind]}: it {waits}"
        raise RunRefused(run_id=run.row.pk, problem=problem)


def _refusal(run: Locked, step: str, entry: Entry, wait: StepWait | None) -> RunRefused:
    run_id = run.row.pk
    if wait is not None and wait.outcome and wait.outcome != WaitOutcome.CLOSED:
        return AlreadyDecided(
            run_id=run_id, step=step, outcome=wait.outcome, by=wait.actor, note=wait.note
        )
    if entry.state.is_final:
        return AlreadyDecided(
            run_id=run_id, step=step, outcome=entry.state.lower(), by="", note=entry.note
        )
    problem = f"has step {step} not waiting yet: earlier steps, or its pause, come first"
    return RunRefused(run_id=run_id, problem=problem)


def _end(run: Locked, entry: Entry, wait: StepWait, decision: Decision) -> None:
    StepWait.objects.filter(pk=wait.pk).update(
        ended_at=DatabaseNow(),
        outcome=decision.outcome.value,
        actor=decision.by[:TEXT_MAX],
        note=decision.note[:TEXT_MAX],
        value=_value(decision),
    )
    row, ended = run.row, _ended(entry, decision)
    plan = plans.after(run.graph, run.plan, wait.step, ended)
    advance(run, plan, Origin(run_id=row.pk, payload_id=row.payload_id, parent_id=row.parent_id))


def _value(decision: Decision) -> Any:
    if decision.outcome is WaitOutcome.APPROVED:
        return {"by": decision.by, "note": decision.note}
    return decision.value


def _ended(entry: Entry, decision: Decision) -> Entry:
    state = StepState.SUCCEEDED if decision.outcome.is_success else StepState.FAILED
    by = f" by {decision.by}" if decision.by else ""
    note = f": {decision.note}" if decision.note else ""
    return replace(entry, state=state, note=f"{decision.outcome}{by}{note}")


def send_event(name: str, value: Any, *, run_id: str = "", first: bool = False) -> list[StepWait]:
    """End the steps that wait for an event of this name; return them.

    ``run_id`` leaves it to one run, and ``first`` to the step that has waited longest.
    """
    ended = []
    found = StepWait.open().filter(kind=WaitKind.EVENT, about=name).order_by("created_at", "id")
    decision = Decision(kind=WaitKind.EVENT, outcome=WaitOutcome.SENT, value=value)
    for one in list(found.filter(run=run_id) if run_id else found):
        try:
            decide(one.run_id, one.step, decision)
        except (RunRefused, UnknownRun):
            # Somebody else was faster.
            continue
        ended.append(one)
        if first:
            break
    return ended


def end_due() -> int:
    """End waits whose time, or whose limit, is over; return how many.

    This needs no term, because each end is fenced by the run's lock.
    """
    found = StepWait.open().filter(due_at__lte=DatabaseNow()).order_by("due_at")
    return for_each(list(found[:DUE_BATCH]), _end_due)


def reach_all() -> int:
    """End waits for a time although it has not come, for tests; return how many."""
    return for_each(list(StepWait.open().filter(kind=WaitKind.TIME, is_limit=False)), _end_due)


DUE = Duty(name="waits", do=end_due, every=0.5, batch=DUE_BATCH)


def _end_due(wait: StepWait) -> None:
    outcome = WaitOutcome.TIMED_OUT if wait.is_limit else WaitOutcome.REACHED
    decision = Decision(kind=WaitKind(wait.kind), outcome=outcome)
    try:
        decide(wait.run_id, wait.step, decision)
    except (RunRefused, UnknownRun, UnknownStep):
        # It ended meanwhile, or its run is unreadable: nobody looks at it again.
        StepWait.open().filter(pk=wait.pk).update(
            ended_at=DatabaseNow(), outcome=WaitOutcome.CLOSED.value
        )
