"""Which runs end with a lapsed lease."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.retries import Cause
from offload.worker.liveness import Lease, boottime
from offload.worker.parent.in_flight import Holdings
from offload.worker.parent.lease_expiry import Lapse

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
def lapse(processes: dict[Key, subprocess.Popen[bytes]]) -> Lapse:
    """Return a worker with a lease, in which both run."""
    holdings = Holdings(concurrency=2)
    for key, process in processes.items():
        holdings.accept(key, process.pid, delivery(is_limited=key == LIMITED))
    made = Lapse(Lease(), holdings)
    made.lease.extend(boottime() + 60)
    return made


def delivery(*, is_limited: bool) -> Any:
    """Return what a message became."""
    return SimpleNamespace(is_limited=is_limited)


def test_while_the_lease_is_held_nothing_ends(lapse: Lapse) -> None:
    assert lapse.end_runs() == 0

    assert set(lapse.holdings.running) == {LIMITED, PLAIN}


def test_a_worker_that_never_had_a_lease_ends_nothing(lapse: Lapse) -> None:
    lapse.lease.extend(0.0)

    assert lapse.end_runs() == 0


def test_past_it_limited_runs_end_and_plain_ones_go_on(
    lapse: Lapse, processes: dict[Key, subprocess.Popen[bytes]]
) -> None:
    lapse.lease.extend(boottime() - 0.1)

    assert lapse.end_runs() == 1

    assert processes[LIMITED].wait(30) == -signal.SIGKILL
    assert processes[PLAIN].poll() is None
    assert set(lapse.holdings.running) == {PLAIN}
    [[job_id, epoch, cause, _]] = lapse.holdings.snapshot()["lost"]
    assert (job_id, epoch, cause) == (*LIMITED, Cause.LAPSED)


def test_what_the_pool_says_of_the_lost_process_later_does_not_count_it_as_a_crash(
    lapse: Lapse,
) -> None:
    by = lapse.holdings.running[LIMITED].by
    lapse.lease.extend(boottime() - 0.1)
    lapse.end_runs()

    lapse.holdings.lose(LIMITED, Cause.CRASHED, "signal 9", by)

    assert lapse.holdings.lost[LIMITED][0] == Cause.LAPSED


def test_each_lapse_ends_runs_once(
    lapse: Lapse, processes: dict[Key, subprocess.Popen[bytes]]
) -> None:
    lapse.lease.extend(boottime() - 0.1)
    lapse.end_runs()
    lapse.holdings.accept(("later", 1), processes[PLAIN].pid, delivery(is_limited=True))

    assert lapse.end_runs() == 0
    lapse.lease.extend(boottime() - 0.05)
    assert lapse.end_runs() == 1
