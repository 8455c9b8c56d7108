"""Runs with real workers: what dies in the middle, what is stopped, paused and restarted."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group

from offload import JobHandle
from offload.models import Job
from offload.workflows import RunState, definitions, result, start, step, workflow
from tests.acceptance.site.journal import events
from tests.acceptance.site.tasks import add_job, doomed, plain, plain_sum
from tests.polling import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from offload.workflows import RunHandle
    from tests.acceptance.fleet import Fleet

pytestmark = pytest.mark.everywhere

#: Seconds in which a stop must have ended every step that checks.
STOP_SECONDS = 2.0


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test define what it likes; workers need no definitions."""
    monkeypatch.setattr(definitions, "defined", {})


def started(made: Any, **how: Any) -> RunHandle:
    """Start a run of what a function makes."""
    workflow("acc/made")(made)
    return start("acc/made", **how)


def states(run: RunHandle) -> dict[str, str]:
    """Return the state of each step."""
    return {name: str(entry.state) for name, entry in run.plan.items()}


def gates(path: Path, count: int) -> list[Any]:
    """Return steps that wait at a gate."""
    return [step("acc/gate", called=f"gate {number}", gate=str(path)) for number in range(count)]


def test_a_run_goes_on_after_its_processes_died_and_does_nothing_twice(fleet: Fleet) -> None:
    fleet.need("a", "b")

    run = started(
        lambda: chain(
            step("acc/any", called="first", pages=[1, 2, 3]),
            group(
                step("acc/crash", called="dies", times=1).set(immutable=True),
                step("acc/page", called="each", for_each=result("first", "pages")),
            ),
            step("acc/last", called="last"),
        )
    )

    assert run.result(60) == [["survived", [1, 2, 3]]]
    assert len(events(run.plan["dies"].job, "start")) == 2
    assert Job.objects.count() == 6
    assert len(events(run.plan["last"].job, "ran")) == 1


def test_a_run_goes_on_where_a_process_dies_right_after_a_finish(fleet: Fleet) -> None:
    fleet.need("a", "b")

    run = started(lambda: chain(doomed.s(1, 2), step("acc/last", called="last")))

    assert run.result(60) == [3]
    assert len(events(what="doomed")) == 1
    assert Job.objects.filter(topic="acc/last").count() == 1


def test_plain_tasks_are_steps_among_jobs(fleet: Fleet) -> None:
    fleet.need("a", "b")

    run = started(
        lambda: chain(
            group(plain.s(1), add_job.s(2, 3)), plain_sum.s(), step("acc/last", called="last")
        )
    )

    assert run.result(60) == [6]
    assert set(states(run).values()) == {"SUCCEEDED"}
    assert [one.kind for one in run.steps].count("relay") == 2


def test_a_worker_that_is_killed_takes_no_run_with_it(fleet: Fleet, tmp_path: Path) -> None:
    fleet.need("a", "b")
    run = started(lambda: chord(gates(tmp_path / "open", 3), step("acc/last", called="last")))
    jobs = eventually(lambda: _active(run, 3), what="three steps that run")

    [killed] = [name for name, one in fleet.workers.items() if one.name == jobs[0].instance]
    fleet[killed].send_all(signal.SIGKILL)
    (tmp_path / "open").touch()

    assert run.wait(90) is RunState.SUCCEEDED
    assert Job.objects.filter(topic="acc/last").count() == 1


def _active(run: RunHandle, count: int) -> list[Job] | None:
    found = list(run.steps.filter(state="ACTIVE"))
    return found if len(found) == count else None


def test_a_stop_in_the_middle_of_a_chord_ends_all_within_two_seconds(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.need("a", "b")
    run = started(lambda: chord(gates(tmp_path / "never", 6), step("acc/last", called="last")))
    eventually(lambda: _active(run, 4), what="four steps that run")

    begun = time.monotonic()
    run.stop()
    state = run.wait(60)
    took = time.monotonic() - begun

    assert state is RunState.STOPPED
    assert set(states(run).values()) == {"STOPPED"}
    assert took < STOP_SECONDS
    assert not Job.objects.filter(topic="acc/last").exists()


def test_a_restart_after_a_failed_step_repeats_no_done_step(fleet: Fleet, tmp_path: Path) -> None:
    fleet.need("a", "b")
    made = tmp_path / "made"
    run = started(
        lambda: chain(
            step("acc/any", called="first", value=1),
            step("acc/needs", called="fails", path=str(made)),
            step("acc/last", called="last"),
        ),
        user_data="mine",
    )
    assert run.wait(60) is RunState.FAILED
    made.touch()

    again = run.restart()

    assert again.wait(60) is RunState.SUCCEEDED
    assert states(run) == {"first": "SUCCEEDED", "fails": "FAILED", "last": "UNREACHED"}
    assert again.plan["first"] == run.plan["first"]
    assert len(events(run.plan["first"].job, "ran")) == 1
    assert Job.objects.count() == 4


def test_a_paused_run_outlives_all_workers_and_goes_on_when_it_is_resumed(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.need("a", "b")
    run = started(lambda: chain(*gates(tmp_path / "open", 1), step("acc/last", called="last")))
    eventually(lambda: _active(run, 1), what="a step that runs")
    run.pause()
    (tmp_path / "open").touch()
    eventually(lambda: states(run)["gate 0"] == "SUCCEEDED", what="the end of the step")

    fleet.drop_all()
    fleet.need("a")
    waited = states(run)["last"]
    run.resume()

    assert waited == "WAITING"
    assert run.wait(90) is RunState.SUCCEEDED


def test_a_run_that_stays_together_survives_its_instance_and_repeats_no_done_step(
    fleet: Fleet, tmp_path: Path
) -> None:
    """Worker and agent are killed at once, so nobody says goodbye."""
    fleet.need("a", "b")
    gate = tmp_path / "gate"
    run = started(
        lambda: chain(
            step("acc/submits", called="first"),
            step("acc/gate", called="held", gate=str(gate)).set(immutable=True),
            step("acc/last", called="third"),
            step("acc/last", called="last"),
        ),
        placement="together",
    )
    eventually(lambda: states(run)["held"] == "RUNNING", within=60, what="the second step")
    eventually(lambda: events(run.plan["held"].job, "start"), within=60, what="its beginning")
    placed = run.row.instance
    assert placed in {one.name for one in fleet.workers.values()}
    own = JobHandle(JobHandle(run.plan["first"].job).result(timeout=60)).wait(60)
    assert (own.state, own.instance) == ("SUCCEEDED", placed)
    [lost] = [one for one in fleet.workers.values() if one.name == placed]

    lost.send_all(signal.SIGKILL)
    gate.touch()

    assert run.wait(120) is RunState.SUCCEEDED
    assert (run.row.instance != placed, run.row.placement_epoch) == (True, 2)
    where = {name: Job.objects.get(pk=entry.job).instance for name, entry in run.plan.items()}
    assert where == {"first": placed, **dict.fromkeys(("held", "third", "last"), run.row.instance)}
    assert len(events(run.plan["first"].job, "ran")) == 1
