from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.concurrency.base import BasePool

from offload.core.retries import Cause
from offload.worker.parent import boot
from offload.worker.parent.in_flight import InFlight
from tests.unit.worker.parent.requests import arrived

if TYPE_CHECKING:
    from offload.worker.parent.request import JobRequest


class Killing:
    """A pool with a process per run."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def terminate_job(self, pid: int, signal: object) -> None:
        self.killed.append(pid)


@pytest.fixture
def in_flight() -> InFlight:
    """Return the empty state of a new worker."""
    return InFlight(concurrency=2)


@pytest.fixture
def request_that_runs(in_flight: InFlight) -> JobRequest:
    """Return a request whose run has begun."""
    made: Any = arrived(in_flight)
    made.time_start, made.worker_pid = 1.0, 4711
    return made  # type: ignore[no-any-return]


def test_a_run_in_a_process_is_killed_and_counts_as_no_failure(
    request_that_runs: JobRequest, in_flight: InFlight
) -> None:
    pool = Killing()

    request_that_runs.cancel(pool)

    assert pool.killed == [4711]
    assert [cause for cause, *_ in in_flight.lost.values()] == [Cause.STOPPED_FORCED]


def test_a_run_that_no_pool_can_end_goes_on_and_is_not_failed_by_the_attempt(
    request_that_runs: JobRequest, in_flight: InFlight
) -> None:
    pool: Any = BasePool.__new__(BasePool)

    request_that_runs.cancel(pool)

    assert in_flight.lost == {}


@pytest.mark.parametrize(
    ("pid", "running", "said"),
    [(os.getpid(), False, 1), (os.getpid(), True, 0), (os.getppid(), False, 0)],
    ids=["at-the-end", "while-a-run-goes-on", "in-a-fork"],
)
def test_a_worker_whose_runs_are_over_says_goodbye_once_at_its_exit(
    pid: int, running: bool, said: int, in_flight: InFlight
) -> None:
    heard: list[Any] = []
    worker: Any = boot.Worker(Celery("one", set_as_current=False), in_flight=in_flight)
    worker._spec = {"pid": pid}
    worker._agent = SimpleNamespace(wait=lambda _: 0)
    worker._link = SimpleNamespace(send=heard.append)
    if running:
        in_flight.accept(("one", 1), 7, worker)

    worker.on_exit()
    worker.on_exit()

    assert heard == [{"goodbye": True}] * said
