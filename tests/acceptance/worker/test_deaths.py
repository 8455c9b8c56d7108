"""Workers, agents and processes that die: their jobs run elsewhere, or again."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from django.utils import timezone

import offload
from offload.core.states import JobState
from offload.models import Instance, Lease
from offload.worker.agent.processes import CENSUS_SECONDS
from offload.worker.parent.consuming import REPORT_SECONDS
from tests.acceptance.site.journal import events
from tests.acceptance.watching import (
    began,
    ended,
    happened,
    only_on,
    pass_time,
    runner,
    seconds,
    slept,
)
from tests.acceptance.worker.sleepers import follower, leader, sleeper_on
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from typing import Any

    from tests.acceptance.fleet import Fleet

#: Seconds after which a silent instance is gone, in these tests.
TIMEOUT = 3
#: For workers whose agent may take as long to start as a busy machine makes it.
LONG_TIMEOUT = {"ACCEPTANCE_OFFLOAD": json.dumps({"TIMEOUT": 60})}


@pytest.mark.everywhere
def test_the_job_of_a_killed_worker_runs_elsewhere_within_three_seconds(
    fleet: Fleet, site: Any
) -> None:
    fleet.need("a", "b")
    job = offload.submit("acc/sleep", {"seconds": 2})
    victim = runner(fleet, job)

    killed = timezone.now()
    victim.kill()
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert row.instance != victim.name
    assert began(row) - killed < seconds(3)
    assert row.attempts == 2
    assert [(one.instance, one.cause) for one in row.ended_attempts.all()] == [
        (victim.name, "lost")
    ]
    assert happened(job) == ["start", "start", "end"]
    assert row.result == slept(row) == site.AsyncResult(job.id).get(timeout=30)


def test_the_job_of_a_killed_worker_runs_elsewhere_in_time_though_its_new_message_is_lost(
    fleet: Fleet,
) -> None:
    fleet.need()
    for name in ("a", "b"):
        fleet.start(name, variables={"ACCEPTANCE_LOSE": "1"}, wait=False)
    for name in ("a", "b"):
        fleet[name].await_ready()
    job = offload.submit("acc/sleep", {"seconds": 1})
    victim = runner(fleet, job)

    killed = timezone.now()
    victim.kill()
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert row.epoch == 2
    assert began(row) - killed < seconds(4)


@pytest.mark.everywhere
def test_the_job_of_a_worker_killed_with_its_agent_runs_elsewhere_after_the_timeout(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")
    victim = follower(fleet)
    job = sleeper_on(fleet, victim, 2)

    killed = timezone.now()
    victim.send_all(signal.SIGKILL)
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert began(row) - killed < seconds(TIMEOUT + 3)
    assert row.attempts == 2
    assert happened(job) == ["start", "start", "end"]
    assert row.result == slept(row)


@pytest.mark.everywhere
def test_the_leader_may_die_with_its_agent_and_another_one_leads_on(fleet: Fleet) -> None:
    fleet.need("a", "b")
    victim = leader(fleet)
    before = Lease.objects.get().term
    job = sleeper_on(fleet, victim, 2)

    killed = timezone.now()
    victim.send_all(signal.SIGKILL)
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert began(row) - killed < seconds(TIMEOUT + 3)
    lease = Lease.objects.get()
    assert lease.holder == row.instance
    assert lease.term > before


def test_a_killed_pool_process_costs_an_attempt_and_its_worker_goes_on(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    job = offload.submit("acc/sleep", {"seconds": 1.5})
    runner(fleet, job)
    [start] = events(job.id, "start")

    os.kill(start.pid, signal.SIGKILL)
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert (row.attempts, row.crashes) == (2, 1)
    assert [one.cause for one in row.ended_attempts.all()] == ["crashed"]
    assert happened(job) == ["start", "start", "end"]
    assert worker.is_alive
    assert Instance.objects.get(pk=worker.name).mode == "ready"


def test_a_job_that_kills_its_process_each_time_is_given_up_at_the_limit(fleet: Fleet) -> None:
    fleet.need("a")
    job = offload.submit("acc/crash", {"times": 99})

    row = ended(job)

    assert row.state == JobState.GIVEN_UP
    assert (row.attempts, row.crashes) == (3, 3)
    # Its agent saw the process die, or its worker did and said so first.
    assert "died" in row.error or "exited" in row.error
    assert "SIGKILL" in row.error
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


def test_a_job_that_survives_after_a_crash_succeeds(fleet: Fleet) -> None:
    fleet.need("a")

    job = offload.submit("acc/crash", {"times": 1})

    assert job.result(30) == "survived"
    assert job.row.attempts == 2


@pytest.mark.everywhere
def test_an_agent_that_dies_alone_is_started_again_and_its_workers_job_goes_on(
    fleet: Fleet,
) -> None:
    fleet.need()
    for name in ("c", "d"):
        fleet.start(name, variables=LONG_TIMEOUT, wait=False)
    for one in fleet.workers.values():
        one.await_ready()
    job = offload.submit("acc/sleep", {"seconds": 6})
    worker = runner(fleet, job)
    before, incarnation, beat = worker.agent.pid, worker.row.incarnation, worker.row.beat

    worker.agent.kill()
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert (row.attempts, row.instance) == (1, worker.name)
    assert happened(job) == ["start", "end"]
    eventually(lambda: worker.row.beat > beat + 1, what="beats of another agent")
    assert worker.agent.pid != before
    assert worker.row.incarnation == incarnation
    with only_on(worker, fleet):
        assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


@pytest.mark.parametrize("duration", [6, pytest.param(30, marks=pytest.mark.long)])
def test_a_worker_that_is_asked_to_end_finishes_its_job_first(
    fleet: Fleet, duration: float
) -> None:
    fleet.need("a", "b")
    job = offload.submit("acc/sleep", {"seconds": duration})
    worker = runner(fleet, job)
    [other] = [one for one in fleet.workers.values() if one is not worker]

    worker.send(signal.SIGTERM)
    eventually(lambda: worker.row.mode == "draining", what="draining")
    quick = offload.submit("acc/quick", {"value": 1})

    assert ended(quick).instance == other.name
    row = ended(job)
    assert (row.state, row.instance, row.attempts) == (JobState.SUCCEEDED, worker.name, 1)
    assert happened(job) == ["start", "end"]
    assert worker.process.wait(60) == 0
    assert (worker.row.mode, worker.row.gone_because) == ("gone", "goodbye")


def test_what_a_run_had_started_itself_ends_with_its_killed_worker(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    job = offload.submit("acc/brood")
    said = eventually(lambda: job.row.progress, what="its child")
    child = psutil.Process(int(said["current"]))
    # The agent looks for what runs have started now and then, later on a busy machine: it must
    # have seen this one.
    pass_time(4 * (CENSUS_SECONDS + REPORT_SECONDS))

    worker.kill()

    eventually(lambda: has_ended(child), what="the end of its child")
