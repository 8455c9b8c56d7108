from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.concurrency.base import BasePool

from offload.core.retries import Cause
from offload.worker.parent.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable


class Killing:
    """A pool with a process per run."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def terminate_job(self, pid: int, signal: object) -> None:
        self.killed.append(pid)


@pytest.fixture
def request_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[Any, list[Cause]]]:
    """Return a function that makes a request that runs, and the causes for which it is lost."""

    def make() -> tuple[Any, list[Cause]]:
        request: Any = JobRequest.__new__(JobRequest)
        lost: list[Cause] = []
        request.job_key = ("one", 1)
        request.time_start, request.worker_pid = 1.0, 4711
        monkeypatch.setattr(JobRequest, "_lose", lambda _, cause, told: lost.append(cause))
        return request, lost

    return make


def test_a_run_in_a_process_is_killed_and_counts_as_no_failure(
    request_of: Callable[[], tuple[Any, list[Cause]]],
) -> None:
    request, lost = request_of()
    pool = Killing()

    request.cancel(pool)

    assert (pool.killed, lost) == ([4711], [Cause.STOPPED_FORCED])


def test_a_run_that_no_pool_can_end_goes_on_and_is_not_failed_by_the_attempt(
    request_of: Callable[[], tuple[Any, list[Cause]]],
) -> None:
    request, lost = request_of()
    pool: Any = BasePool.__new__(BasePool)

    request.cancel(pool)

    assert lost == []
