"""Programs of jobs in real workers: ended with their run, and nothing of them left."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import offload
from offload.core.states import JobState
from tests.acceptance.site.journal import events
from tests.acceptance.watching import add_queue, ended
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.fleet import Fleet, Worker


@pytest.fixture
def scratch(place: Any) -> Path:
    """Return the folder of scratch folders of the site's workers."""
    found: Path = place.folder / f"offload-scratch-{os.getuid()}"
    return found


@pytest.fixture
def worker(fleet: Fleet) -> Worker:
    """Return the only worker; its scratch folders are in the place's folder."""
    return fleet.need("a")[0]


def waits(topic: str = "acc/program") -> tuple[offload.JobHandle, list[psutil.Process]]:
    """Return a job whose program waits, with the program and its child."""
    job = offload.submit(topic)
    (line,) = eventually(
        lambda: [one.what for one in events(job.id) if one.what.startswith("program")],
        what="the program",
    )[:1]
    return job, [psutil.Process(int(pid)) for pid in line.split()[1:]]


def all_gone(processes: list[psutil.Process], scratch: Path) -> None:
    """Wait until processes have ended, and no scratch folder is left."""
    eventually(lambda: all(map(has_ended, processes)), what="the end of the program")
    eventually(lambda: not list(scratch.iterdir()), what=f"an empty {scratch}")


def test_a_job_is_stopped_in_the_middle_of_its_program(worker: Worker, scratch: Path) -> None:
    job, processes = waits()

    offload.stop(job.id)

    assert ended(job).state == JobState.STOPPED
    all_gone(processes, scratch)
    assert worker.is_alive


def test_a_job_is_stopped_by_force(worker: Worker, scratch: Path) -> None:
    job, processes = waits()

    offload.stop(job.id, force=True)

    assert ended(job).state == JobState.STOPPED
    all_gone(processes, scratch)


@pytest.mark.parametrize("limit", ["soft", pytest.param("hard", marks=pytest.mark.long)])
def test_a_time_limit_ends_the_program(worker: Worker, scratch: Path, limit: str) -> None:
    add_queue("strict", [f"acc/program-{limit}"], retries=0)
    job, processes = waits(f"acc/program-{limit}")

    row = ended(job)

    assert row.state == JobState.GIVEN_UP
    assert "TimeLimitExceeded" in row.error_type
    all_gone(processes, scratch)


def test_the_program_of_a_killed_pool_process_ends_and_the_job_runs_again(
    worker: Worker, scratch: Path
) -> None:
    job, processes = waits()
    (began,) = events(job.id, "start")

    os.kill(began.pid, signal.SIGKILL)

    eventually(lambda: len(events(job.id, "start")) == 2, what="the second run")
    eventually(lambda: all(map(has_ended, processes)), what="the program's end")
    eventually(lambda: len(list(scratch.glob("*.lock"))) == 1, what="one scratch folder")
    offload.stop(job.id)
    assert ended(job).state == JobState.STOPPED
    all_gone(processes, scratch)


def test_the_program_of_a_killed_worker_ends(worker: Worker, scratch: Path) -> None:
    job, processes = waits()

    worker.kill()

    all_gone(processes, scratch)
    offload.stop(job.id)


def test_a_worker_that_was_killed_with_its_agent_leaves_its_folders_to_the_next(
    worker: Worker, fleet: Fleet, scratch: Path
) -> None:
    job, processes = waits()
    worker.send_all(signal.SIGKILL)
    worker.process.wait()
    offload.stop(job.id)
    assert list(scratch.iterdir())

    fleet.start("d")

    all_gone(processes, scratch)


def test_a_cold_shutdown_ends_the_program(worker: Worker, scratch: Path) -> None:
    job, processes = waits()

    worker.send(signal.SIGQUIT)

    worker.process.wait(60)
    all_gone(processes, scratch)
    offload.stop(job.id)
