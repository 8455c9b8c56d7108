"""Workflows that wait, and what their tests do with them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import chain
from django.utils import timezone

from offload.models import StepWait
from offload.models.change_records import Entrance
from offload.operations.changes.actors import Actor
from offload.workflows import (
    RunHandle,
    approval,
    start,
    step,
    workflow,
)

if TYPE_CHECKING:
    from tests.integration.driving.driver import Driver

ADA = Actor(name="ada", entrance=Entrance.TERMINAL)
BEN = Actor(name="ben", entrance=Entrance.ADMIN)
HOUR = timedelta(hours=1)


def started(made: Any, driver: Driver, **how: Any) -> RunHandle:
    """Return a run of what a function makes, once nothing is left but waiting."""
    workflow("made")(made)
    run = start("made", **how)
    driver.run_all()
    return run


def states(run: RunHandle) -> list[str]:
    """Return the states of its steps."""
    return [str(entry.state) for entry in run.plan.values()]


def asked(**how: Any) -> Any:
    """Make it, ask for approval, then note it."""
    return chain(
        step("jobs/add", called="a", x=1), approval("May it?", **how), step("jobs/note", called="c")
    )


def pass_time(run: RunHandle) -> None:
    """Let the time of every wait of a run be over."""
    StepWait.objects.filter(run=run.id).update(due_at=timezone.now() - HOUR)
