"""Workers whose pool processes are spawned instead of forked."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from celery.result import AsyncResult

import offload
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.operations.handles import JobHandle
from tests.acceptance.site import tasks
from tests.acceptance.site.journal import events
from tests.acceptance.watching import ended, happened, pass_time, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psutil import Process

    from tests.acceptance.fleet import Fleet

SPAWNED = {"ACCEPTANCE_START_METHOD": "spawn"}
#: Seconds after which the lease of a frozen agent's worker is over, in these tests.
TIMEOUT = 3
#: Whether the site's own app is made in its pool processes too.
ROOTS = ["", "1"]


@pytest.mark.parametrize(
    "root",
    [ROOTS[0], pytest.param(ROOTS[1], marks=pytest.mark.long)],
    ids=["without-root", "with-root"],
)
def test_a_spawned_pool_runs_jobs_and_what_they_send_until_its_worker_is_asked_to_end(
    fleet: Fleet, root: str
) -> None:
    fleet.need()
    told = {**SPAWNED, "ACCEPTANCE_PROPERTIES": "1", "ACCEPTANCE_ROOT": root}
    worker = fleet.start("a", concurrency=1, variables=told)

    assert offload.submit("acc/where").result(30) == [worker.name, None]
    last = offload.submit("acc/sender", {"x": 1}).result(30)
    assert AsyncResult(last).get(timeout=30) == 3
    assert JobHandle(last).state == JobState.SUCCEEDED
    assert tasks.add.delay(1, 2).get(timeout=30) == 3

    job = offload.submit("acc/sleep", {"seconds": 2})
    runner(fleet, job)
    worker.send(signal.SIGTERM)

    assert ended(job).state == JobState.SUCCEEDED
    assert happened(job) == ["start", "end"]
    assert worker.process.wait(60) == 0
    assert (worker.row.mode, worker.row.gone_because) == ("gone", "goodbye")


def test_a_killed_process_of_a_spawned_pool_costs_an_attempt_and_its_worker_goes_on(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.need()
    worker = fleet.start("a", concurrency=1, variables=SPAWNED)
    gate = tmp_path / "gate"
    job = offload.submit("acc/gate", {"gate": str(gate)})
    [start] = eventually(lambda: events(job.id, "start"), what="its run")

    os.kill(start.pid, signal.SIGKILL)
    gate.touch()
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert (row.attempts, row.crashes) == (2, 1)
    assert [one.cause for one in row.ended_attempts.all()] == ["crashed"]
    assert happened(job) == ["start", "start", "end"]
    assert worker.is_alive


def test_a_process_of_a_spawned_pool_begins_nothing_after_the_lease(fleet: Fleet) -> None:
    fleet.need()
    # A process that claims by itself; in a group nothing would be claimed.
    alone = {"ACCEPTANCE_OFFLOAD": json.dumps({"GROUPS": False})}
    worker = fleet.start("a", concurrency=1, variables={**SPAWNED, **alone})

    with suspended(worker.agent):
        pass_time(TIMEOUT)
        job = offload.submit("acc/quick", {"value": 1})
        # In place of its agent.
        dispatching.sweep()
        eventually(lambda: "this instance has lost its lease" in worker.last_words())
        assert happened(job) == []

    row = ended(job)
    assert (row.state, row.attempts) == (JobState.SUCCEEDED, 1)
    assert happened(job) == ["ran"]


@contextmanager
def suspended(process: Process) -> Iterator[None]:
    """Freeze a process for a block."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()
