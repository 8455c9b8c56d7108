"""Workflows whose runs are placed, and what a leader does for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from django.utils.module_loading import autodiscover_modules

from offload.core.placement.lanes import Lane
from offload.dispatch import offering
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.models import Job
from offload.runs.relocating import Relocation
from offload.tracking.queries import waiting_lanes
from offload.workflows import RunHandle, definitions, step, workflow
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from celery import Celery

#: What instances consume: every topic of these workflows, or some.
FLOW = [{"pattern": "flow/**", "task": "flow"}]
MAKES = [{"pattern": "flow/make", "task": "flow"}]
READS = [{"pattern": "flow/read", "task": "flow"}]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    """Let every test define what it likes; nothing is bound before a test says so."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", dict(definitions.defined))
    monkeypatch.setattr(offering, "offer", no_offer)
    leading.register(app)
    workflow("three")(three)
    workflow("wide")(wide)


def no_offer(_: object) -> int:
    """Bind nothing at submission: tests say when."""
    return 0


def three() -> Any:
    """Make two files, then read one."""
    return chain(
        step("flow/make", called="a", name="a.txt", outputs=["a.txt"]),
        step("flow/make", called="b", name="b.txt", outputs=["b.txt"]),
        step("flow/read", called="c", name="a.txt", inputs=["a.txt"]),
    )


def wide() -> Any:
    """Make four files side by side, then one more."""
    makers = [step("flow/make", called=f"m{n}", name=f"{n}.txt") for n in range(4)]
    return chord(makers, step("flow/make", called="last", name="last.txt"))


def lanes(run: RunHandle) -> list[str]:
    """Return what each job that waits is kept to, by the order of submission."""
    waiting = Job.objects.filter(run=run.id, state="PENDING").order_by("created_at", "id")
    return [str(Lane.parse(one.lane).affinity or "") for one in waiting]


def goodbye(name: str, incarnation: str) -> None:
    """Let an instance say goodbye."""
    membership.goodbye(name, incarnation)
    snapshot(fresh=True)


def sweep(relocation: Relocation | None = None) -> None:
    """Do what a leader does for waiting jobs, but bind none."""
    kept = [one for one in waiting_lanes() if one.affinity]
    if kept:
        (relocation or Relocation())(kept)
