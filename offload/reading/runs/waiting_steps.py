"""Steps that wait for a person, a token, an event or a time: all that are open now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.workflows.waits import WaitKind
from offload.fleet.snapshots import now
from offload.models import StepWait

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from django.db.models import QuerySet

    from offload.models import Run

#: The permission of those who may approve, where a step names none.
APPROVE_STEP = "offload.approve_step"
#: Most rows of a list.
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLine:
    """A step that waits, as lists show it."""

    run: str
    workflow: str
    step: str
    kind: WaitKind
    about: str
    #: The permission of those who may end it, if it is an approval.
    permission: str
    since: datetime
    #: The moment at which it ends by itself; None for never.
    due: datetime | None
    #: Whether it has failed then.
    is_limit: bool
    paused: bool


def line(row: StepWait) -> WaitLine:
    """Return a row as lists show it."""
    return WaitLine(
        run=row.run_id,
        workflow=row.run.workflow,
        step=row.step,
        kind=WaitKind(row.kind),
        about=row.about,
        permission=row.permission or APPROVE_STEP,
        since=row.created_at,
        due=row.due_at,
        is_limit=row.is_limit,
        paused=row.run.paused,
    )


def of_run(run_id: str) -> dict[str, WaitLine]:
    """Return the open waits of a run by the names of their steps."""
    found = StepWait.open().filter(run=run_id).select_related("run")
    return {one.step: line(one) for one in found}


def permissions() -> tuple[str, ...]:
    """Return the permissions that somebody needs for the approvals that are waited for."""
    found = _of(WaitKind.APPROVAL).order_by("permission").values_list("permission", flat=True)
    return tuple(one or APPROVE_STEP for one in found.distinct())


def approvals(held: Collection[str]) -> tuple[WaitLine, ...]:
    """Return the steps that holders of these permissions can approve, the longest first."""
    named = {*held, ""} if APPROVE_STEP in held else set(held)
    return tuple(map(line, _of(WaitKind.APPROVAL).filter(permission__in=named)[:MOST]))


def permission_of(row: Run, step: str) -> str:
    """Return the permission that somebody needs to approve a step."""
    graph = row.led[0] if row.led else None
    spec = graph.by_name.get(step) if graph else None
    return (spec.wait.permission if spec and spec.wait else "") or APPROVE_STEP


def _of(kind: WaitKind) -> QuerySet[StepWait]:
    return StepWait.open().filter(kind=kind).select_related("run").order_by("created_at", "id")


def older_than(kind: WaitKind, age: timedelta) -> tuple[int, WaitLine | None]:
    """Return how many steps have waited longer than that and without a limit, and the oldest."""
    found = _of(kind).filter(created_at__lt=now() - age, due_at=None)
    oldest = found.first()
    return (found.count() if oldest else 0), line(oldest) if oldest else None
