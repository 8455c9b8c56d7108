"""Additions between the broker and Celery's handlers."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest
from billiard.pool import RUN, ApplyResult
from celery.concurrency.asynpool import AsynPool

from offload.worker.parent.consuming import Sparing
from offload.worker.parent.in_flight import InFlight
from offload.worker.parent.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def in_flight() -> InFlight:
    """Return the empty state of a new worker."""
    return InFlight(concurrency=2)


class Pool:
    """A prefork pool without processes, with Celery's own flush."""

    def __init__(self) -> None:
        """Start empty."""
        self.outbound_buffer: deque[Any] = deque()
        self.synack = False
        self._state = RUN
        self._cache: dict[int, Any] = {}
        self._active_writers: set[Any] = set()
        self._active_writes: set[int] = set()
        self._busy_workers: set[int] = set()

    def maintain_pool(self) -> None:
        """Replace no process."""

    def flush(self) -> None:
        """Forget what no process said that it began."""
        AsynPool.flush(self)  # type: ignore[arg-type]

    def give(self, in_flight: InFlight, name: str, *, to: Any = None) -> JobRequest:
        """Return a request that waits, written to this process, or to none yet."""
        request = JobRequest.__new__(JobRequest)
        result: Any = ApplyResult(
            self._cache, None, accept_callback=self._accepting(in_flight, name)
        )
        result._write_to = to
        request._apply_result = ref(result)
        in_flight.receive((name, 1), request)
        return request

    def _accepting(self, in_flight: InFlight, name: str) -> Callable[[int, float], None]:
        def accept(pid: int, at: float) -> None:
            in_flight.accept((name, 1), pid, in_flight.held.get((name, 1)))

        return accept


def process(*, is_alive: bool) -> Any:
    """Return a process of a pool."""
    return SimpleNamespace(_is_alive=lambda: is_alive, inqW_fd=7)


def test_a_lost_connection_forgets_no_job_that_a_process_has(in_flight: InFlight) -> None:
    pool = Pool()
    pool.give(in_flight, "written", to=process(is_alive=True))
    pool.give(in_flight, "waits")
    pool.give(in_flight, "dies", to=process(is_alive=False))

    Sparing(pool.flush, in_flight)()

    assert [*in_flight.held] == [("written", 1)]
    (result,) = pool._cache.values()
    assert not result._accepted
    result._ack(None, 1.0, 4711, None)
    assert in_flight.report()["running"] == [["written", 1, 4711]]


def test_what_threads_were_given_stays_held_and_the_rest_does_not(in_flight: InFlight) -> None:
    given, waits = JobRequest.__new__(JobRequest), JobRequest.__new__(JobRequest)
    given._apply_result = ref(Pool())
    in_flight.receive(("given", 1), given)
    in_flight.receive(("waits", 1), waits)

    Sparing(lambda: None, in_flight)()

    assert [*in_flight.held] == [("given", 1)]
