"""Runs that end with an expired lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.retries import Cause
from offload.worker.liveness import SharedLease, boottime
from offload.worker.parent.in_flight import InFlight
from offload.worker.parent.lease_expiry import LeaseExpiry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.envelopes import Key

LIMITED: Key = ("ordered", 1)
PLAIN: Key = ("plain", 1)


@pytest.fixture
def processes() -> Iterator[dict[Key, subprocess.Popen[bytes]]]:
    """Return two processes that run until they are ended."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    made = {key: subprocess.Popen(command, stdin=subprocess.PIPE) for key in (LIMITED, PLAIN)}
    yield made
    for one in made.values():
        one.kill()
        one.communicate()


@pytest.fixture
def expiry(processes: dict[Key, subprocess.Popen[bytes]]) -> LeaseExpiry:
    """Return a worker with a lease, in which both run."""
    in_flight = InFlight(concurrency=2)
    for key, process in processes.items():
        in_flight.accept(key, process.pid, delivery(is_limited=key == LIMITED))
    made = LeaseExpiry(SharedLease(), in_flight)
    made.lease.extend(boottime() + 60)
    return made


def delivery(*, is_limited: bool) -> Any:
    """Return the delivery of a message."""
    return SimpleNamespace(is_limited=is_limited)


def test_while_the_lease_is_held_nothing_ends(expiry: LeaseExpiry) -> None:
    assert expiry.end_runs() == 0

    assert set(expiry.in_flight.running) == {LIMITED, PLAIN}


def test_a_worker_that_never_had_a_lease_ends_nothing(expiry: LeaseExpiry) -> None:
    expiry.lease.extend(0.0)

    assert expiry.end_runs() == 0


def test_past_it_limited_runs_end_and_plain_ones_go_on(
    expiry: LeaseExpiry, processes: dict[Key, subprocess.Popen[bytes]]
) -> None:
    expiry.lease.extend(boottime() - 0.1)

    assert expiry.end_runs() == 1

    assert processes[LIMITED].wait(30) == -signal.SIGKILL
    assert processes[PLAIN].poll() is None
    assert set(expiry.in_flight.running) == {PLAIN}
    [[job_id, epoch, cause, _]] = expiry.in_flight.report()["lost"]
    assert (job_id, epoch, cause) == (*LIMITED, Cause.LEASE_EXPIRED)


def test_what_the_pool_says_of_the_lost_process_later_does_not_count_it_as_a_crash(
    expiry: LeaseExpiry,
) -> None:
    by = expiry.in_flight.running[LIMITED].by
    expiry.lease.extend(boottime() - 0.1)
    expiry.end_runs()

    expiry.in_flight.lose(LIMITED, Cause.CRASHED, "signal 9", by)

    assert expiry.in_flight.lost[LIMITED][0] == Cause.LEASE_EXPIRED


def test_each_expiry_ends_runs_once(
    expiry: LeaseExpiry, processes: dict[Key, subprocess.Popen[bytes]]
) -> None:
    expiry.lease.extend(boottime() - 0.1)
    expiry.end_runs()
    expiry.in_flight.accept(("later", 1), processes[PLAIN].pid, delivery(is_limited=True))

    assert expiry.end_runs() == 0
    expiry.lease.extend(boottime() - 0.05)
    assert expiry.end_runs() == 1


def test_a_child_sees_what_its_parent_extends_later() -> None:
    lease = SharedLease()
    lease.extend(0.0)
    child = os.fork()
    if child == 0:
        os._exit(0 if lease.wait(30) else 1)

    lease.extend(boottime() + 60)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
