"""Celery's events of jobs, as Flower hears them: from real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.jobs.stopping import stop_jobs
from tests.acceptance.listening import listening
from tests.acceptance.watching import ended, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from offload import JobHandle
    from tests.acceptance.fleet import Fleet


@pytest.mark.everywhere
def test_jobs_that_are_stopped_are_told_as_revoked_once_however_they_end(fleet: Fleet) -> None:
    # Those that live on from other tests tell nothing.
    fleet.need()
    worker = fleet.start("events", options=["-E"])
    with listening() as (state, heard):

        def is_seen(job: JobHandle, as_: str) -> bool:
            return job.id in state.tasks and state.tasks[job.id].state == as_

        def runs(*jobs: JobHandle) -> None:
            assert {runner(fleet, job) for job in jobs} == {worker}

        gives_up = offload.submit("acc/patient", {"keeps": False})
        keeps = offload.submit("acc/patient", {"keeps": True})
        eventually(lambda: is_seen(gives_up, "STARTED") and is_seen(keeps, "STARTED"))
        # The event comes before the claim: what is stopped in between never ran.
        runs(gives_up, keeps)
        received = offload.submit("acc/sleep", {"seconds": 60})
        eventually(lambda: is_seen(received, "RECEIVED"))

        for job in (received, gives_up, keeps):
            offload.stop(job.id)
        eventually(lambda: {one.state for one in (received, gives_up)} == {JobState.STOPPED})
        ended(keeps)

        killed = offload.submit("acc/sleep", {"seconds": 60})
        eventually(lambda: is_seen(killed, "STARTED"))
        runs(killed)
        offload.stop(killed.id, force=True)
        ended(killed)

        lost = offload.submit("acc/sleep", {"seconds": 60})
        eventually(lambda: is_seen(lost, "STARTED"))
        runs(lost)
        stop_jobs([lost.id])
        fleet.start("heir", options=["-E"])
        worker.kill()
        ended(lost)

        stopped = [received, gives_up, killed, lost]
        eventually(lambda: all(is_seen(job, "REVOKED") for job in stopped), what="the events")
        eventually(lambda: is_seen(keeps, "SUCCESS"), what="the event of what did its work")
    told = [one for one in heard if one["type"] == "task-revoked"]
    assert sorted(one["uuid"] for one in told) == sorted(job.id for job in stopped)
    assert {one["hostname"] for one in told} == {worker.name}
    assert [one["uuid"] for one in told if one["terminated"]] == [killed.id]
    assert {one.hostname for one in state.workers.values()} <= set(_names(fleet))


def _names(fleet: Fleet) -> list[str]:
    return [worker.name for worker in fleet.workers.values()]
