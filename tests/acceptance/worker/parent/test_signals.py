"""Signals to a worker that runs a job: it drains, or ends at once and its job runs elsewhere."""

from __future__ import annotations

from signal import SIGINT, SIGQUIT, SIGTERM
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.retries import Cause
from offload.core.states import JobState
from tests.acceptance.watching import ended, happened, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from signal import Signals

    from tests.acceptance.fleet import Fleet

#: The last of them ends the worker at once.
COLD = [(SIGINT, SIGINT), (SIGTERM, SIGQUIT)]
COLD_TOO = [pytest.param(one, marks=pytest.mark.long) for one in [(SIGQUIT,), (SIGINT, SIGQUIT)]]
#: All of them let it finish its jobs.
WARM = [(SIGINT,), (SIGTERM, SIGTERM)]


def names(sent: tuple[Signals, ...]) -> str:
    """Return the name of a test's case."""
    return "+".join(one.name for one in sent)


@pytest.mark.parametrize("sent", [*COLD, *COLD_TOO], ids=names)
def test_the_job_of_a_worker_that_ends_at_once_runs_elsewhere_and_did_not_fail(
    fleet: Fleet, sent: tuple[Signals, ...]
) -> None:
    fleet.need("a", "b")
    job = offload.submit("acc/sleep", {"seconds": 60})
    worker = runner(fleet, job)
    first, last = sent[:-1], sent[-1]

    for number in first:
        worker.send(number)
        eventually(lambda: worker.row.mode == "draining", what="draining")
    worker.send(last)
    worker.process.wait(60)

    assert (worker.row.mode, worker.row.gone_because) == ("gone", "goodbye")
    assert runner(fleet, job) is not worker
    assert (job.row.attempts, job.row.failures, job.row.crashes) == (2, 0, 0)
    assert [one.cause for one in job.row.ended_attempts.all()] == [Cause.STOPPED_FORCED]
    assert happened(job) == ["start", "start"]
    offload.stop(job.id, force=True)
    assert ended(job).state == JobState.STOPPED


@pytest.mark.parametrize("sent", WARM, ids=names)
def test_a_worker_that_may_finish_runs_its_job_to_the_end(
    fleet: Fleet, sent: tuple[Signals, ...]
) -> None:
    fleet.need("a", "b")
    job = offload.submit("acc/sleep", {"seconds": 3})
    worker = runner(fleet, job)

    for number in sent:
        worker.send(number)
        eventually(lambda: worker.row.mode == "draining", what="draining")
    row = ended(job)

    assert (row.state, row.instance, row.attempts) == (JobState.SUCCEEDED, worker.name, 1)
    assert happened(job) == ["start", "end"]
    worker.process.wait(60)
    assert (worker.row.mode, worker.row.gone_because) == ("gone", "goodbye")


@pytest.mark.parametrize("pool", ["threads", pytest.param("solo", marks=pytest.mark.long)])
def test_a_pool_that_cannot_end_a_run_runs_it_to_the_end_whatever_its_worker_is_asked(
    fleet: Fleet, pool: str
) -> None:
    fleet.need()
    worker = fleet.start("c", pool=pool)
    job = offload.submit("acc/sleep", {"seconds": 3})
    runner(fleet, job)

    for number in (SIGINT, SIGINT):
        worker.send(number)
        eventually(lambda: worker.row.mode == "draining", what="draining")
    worker.process.wait(60)

    row = job.row
    assert (row.state, row.instance, row.attempts) == (JobState.SUCCEEDED, worker.name, 1)
    assert happened(job) == ["start", "end"]
    assert (worker.row.mode, worker.row.gone_because) == ("gone", "goodbye")
