"""Workers that are drained, and new ones that a rule names before they start."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.fleet.snapshots import now
from offload.models import ChangeRecord, Switch
from offload.operations.changes.actors import at_terminal
from offload.operations.changes.switches import DrainInstance, SwitchOn
from offload.rules import editing
from tests.acceptance.site.journal import events
from tests.acceptance.watching import ended, happened, only_on, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.fleet import Fleet


def test_a_drain_gives_back_what_runs_after_its_grace_and_ends_by_itself(
    fleet: Fleet, tmp_path: Path
) -> None:
    worker, other = fleet.need("a", "b")
    gate = tmp_path / "gate"
    with only_on(worker, fleet):
        job = offload.submit("acc/gate", {"gate": str(gate)})
        assert runner(fleet, job) is worker

    grace = timedelta(seconds=1)
    DrainInstance(instance=worker.name, grace=grace).apply(at_terminal())
    eventually(lambda: job.row.instance == other.name, what="a run elsewhere")
    gate.touch()

    row = ended(job)
    assert (row.state, row.failures, row.crashes) == (JobState.SUCCEEDED, 0, 0)
    assert happened(job) == ["start", "start", "end"]

    end = now() + timedelta(seconds=1)
    DrainInstance(instance=worker.name, until=end).apply(at_terminal())
    eventually(lambda: not Switch.objects.exists(), what="its end")
    last = ChangeRecord.objects.all()[0]
    assert (last.action, last.actor, last.subject) == ("end", "offload", worker.name)
    with only_on(worker, fleet):
        assert ended(offload.submit("acc/quick", {"value": 1})).instance == worker.name


def test_a_drain_without_a_grace_lets_its_runs_finish(fleet: Fleet, tmp_path: Path) -> None:
    (worker,) = fleet.need("a")
    gate = tmp_path / "gate"
    job = offload.submit("acc/gate", {"gate": str(gate)})
    runner(fleet, job)

    DrainInstance(instance=worker.name).apply(at_terminal())
    waits = offload.submit("acc/quick", {"value": 1})
    gate.touch()

    assert ended(job).attempts == 1
    assert waits.row.state == JobState.PENDING
    SwitchOn(instance=worker.name).apply(at_terminal())
    assert waits.result(60) == 1


@pytest.mark.parametrize(
    ("scope", "target"), [pytest.param("glob", "spot-*", marks=pytest.mark.long), ("label", "spot")]
)
def test_an_instance_that_a_rule_names_before_it_starts_never_runs_what_is_denied(
    fleet: Fleet, scope: str, target: str
) -> None:
    fleet.need()
    editing.deny(target, "acc/quick", scope=scope)
    jobs = offload.submit_many("acc/quick", [{"value": 1}] * 8)

    spot = fleet.start("spot-1", variables={"OFFLOAD_LABELS": "spot"})
    eventually(lambda: spot.row.applied.get("rules"), what="the rule as the instance applies it")
    other = offload.submit("acc/any", {"value": 1})
    assert ended(other).instance == spot.name

    assert {(one.row.state, one.row.epoch) for one in jobs} == {(JobState.PENDING, 0)}
    assert {one.job for one in events(what="ran")} == {other.id}
