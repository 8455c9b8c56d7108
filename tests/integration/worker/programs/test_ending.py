"""Programs of runs that end early: nothing that they started goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import override_settings

import offload
from offload.core.exceptions import (
    JobStopped,
    NoSpace,
    ProgramFailed,
    StaleAttempt,
    TooLarge,
)
from offload.core.retries import Cause
from tests.integration.worker.programs.runs import WAITS, python
from tests.integration.world import lose
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.tasks.current_job import CurrentJob


def waits(
    job: CurrentJob, error: type[Exception], then: Callable[[], Any] = str, **given: Any
) -> Exception:
    """Run the program that waits until it fails; return the error, once nothing of it runs.

    ``then`` is called once it has started.
    """
    started: list[int] = []

    def hear(line: str) -> None:
        started.append(int(line.split()[1]))
        then()

    with pytest.raises(error) as caught:
        job.run_program(python(WAITS), progress=hear, **given)
    assert len(started) == 1
    eventually(lambda: has_ended(started[0]), what="the end of what it started")
    return caught.value


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(job: CurrentJob) -> None:
    error = waits(job, ProgramFailed, timeout=5)

    assert "longer than 5 s" in str(error)


def test_a_stop_ends_the_program(job: CurrentJob) -> None:
    waits(job, JobStopped, then=lambda: offload.stop(job.id))


def test_an_attempt_that_is_overtaken_ends_its_program(job: CurrentJob) -> None:
    def overtake() -> None:
        lose(job.id, job.epoch, cause=Cause.CRASHED, error="signal 9")

    waits(job, StaleAttempt, then=overtake)


def test_a_program_that_ignores_the_signal_is_killed(
    job: CurrentJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.worker.programs.process.GRACE_SECONDS", 0.2)
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS

    with pytest.raises(ProgramFailed, match="longer"):
        job.run_program(python(code), timeout=2)


def test_what_a_program_leaves_running_is_ended(job: CurrentJob) -> None:
    code = """
import subprocess
other = subprocess.Popen(["sleep", "600"])
print(other.pid)
"""
    result = job.run_program(python(code))

    eventually(lambda: has_ended(int(result.stdout)), what="the end of the other")


def test_what_left_its_group_and_lost_its_parent_before_anybody_looked_is_ended(
    job: CurrentJob,
) -> None:
    code = """
import subprocess
script = "setsid sleep 600 >/dev/null 2>&1 & echo $!"
print(subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, text=True).stdout)
"""
    result = job.run_program(python(code))

    eventually(lambda: has_ended(int(result.stdout)), what="the end of the other")


def test_a_program_may_not_fill_the_disk_nor_more_than_the_limit(job: CurrentJob) -> None:
    code = "open('large.bin', 'wb').write(b'x' * 3_000_000)\n" + WAITS
    given = settings.OFFLOAD

    with override_settings(OFFLOAD={**given, "MAX_SCRATCH": 2_000_000}):
        error = waits_large(job, code)
    with (
        override_settings(OFFLOAD={**given, "MIN_FREE": 1 << 60}),
        pytest.raises(NoSpace, match="must stay so"),
    ):
        job.run_program(python(WAITS))

    assert "2,000,000 are allowed" in str(error)
    assert error.name == "large.bin"


def waits_large(job: CurrentJob, code: str) -> TooLarge:
    """Run a program that writes too much."""
    with pytest.raises(TooLarge) as caught:
        job.run_program(python(code))
    return caught.value
