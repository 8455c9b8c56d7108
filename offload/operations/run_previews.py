"""Previews of changes of runs: each is made, looked at, and rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction

from offload.core.workflows import plans
from offload.core.workflows.plans import Entry, StepState
from offload.db import database
from offload.models import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from offload.core.workflows.plans import Plan

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEffect:
    """The effect of a change on a step, at once."""

    step: str
    before: StepState
    after: StepState
    #: The instance that it is kept to from now on, "" if to none; None if that stays as it is.
    place: str | None = None

    def __str__(self) -> str:
        """Return it as a sentence."""
        if self.place is not None:
            where = f"at {self.place}" if self.place else "anywhere"
            begun = ", unless it has begun" if self.before is StepState.RUNNING else ""
            return f"{self.step} runs {where}{begun}"
        if self.before is self.after:
            return (
                f"{self.step} is kept"
                if self.after in plans.DONE
                else f"{self.step} is asked to stop"
            )
        return f"{self.step}: {self.before} → {self.after}"


def preview(run_id: str, act: Callable[[str], Any]) -> tuple[StepEffect, ...]:
    """Return the effect on each step that a change touches; raise what it raises."""
    with database.atomic():
        before, place = _plan(run_id), _place(run_id)
        made = act(run_id)
        again = isinstance(made, str)
        after = _plan(made if again else run_id)
        moved = _place(run_id) if not again and _place(run_id) != place else None
        stops = Run.objects.filter(pk=run_id, stop_requested=True).exists()
        transaction.set_rollback(True, using=database.alias())
    shown = plans.DONE if again else {StepState.RUNNING} if stops else set()
    if moved is not None:
        return _moves(before, moved[1])
    return _effects(before, after, shown)


def _undos(plan: Plan) -> list[str]:
    """Return the compensations that a change lets begin."""
    return [name for name in plan if name.startswith("undo ")]


def undone(act: Callable[[], Made]) -> Made:
    """Make a change and roll it back; return its value, and raise its errors."""
    with database.atomic():
        made = act()
        transaction.set_rollback(True, using=database.alias())
    return made


def _place(run_id: str) -> tuple[str, str] | None:
    return Run.objects.filter(pk=run_id).values_list("placement", "instance").first()


def _moves(before: Plan, place: str) -> tuple[StepEffect, ...]:
    return tuple(
        StepEffect(step=name, before=entry.state, after=entry.state, place=place)
        for name, entry in before.items()
        if not entry.state.is_final
    )


def _plan(run_id: str) -> Plan:
    row = Run.objects.filter(pk=run_id).first()
    return row.led[1] if row and row.led else {}


def _effects(before: Plan, after: Plan, shown: Collection[StepState]) -> tuple[StepEffect, ...]:
    return tuple(
        StepEffect(step=name, before=entry.state, after=after[name].state)
        for name, entry in {**dict.fromkeys(_undos(after), Entry()), **before}.items()
        if name in after and (after[name].state is not entry.state or entry.state in shown)
    )
