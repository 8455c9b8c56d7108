"""Agents are woken for plain jobs; what wakes nobody, a sweep runs."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.messaging.wakeups import Wakeups, wakeups
from offload.models import Job
from tests.acceptance.fleet import script
from tests.acceptance.watching import all_ended, ended
from tests.polling import eventually

if TYPE_CHECKING:
    from offload.core.admission.submit_paths import Wakeable
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

#: How agents are woken differs by database.
BOTH = ("sqlite+valkey", "postgresql+rabbitmq")
NOT_FAST = json.dumps({"FAST_SUBMIT": False})
SUBMITS = """
import offload
from offload.dispatch import offering
def never(*_): raise AssertionError("the submitter binds")
offering.offer = never
for number in range(20):
    print(offload.submit("acc/quick", {"value": number}).id, flush=True)
offload.submit_many("acc/quick", [{"value": number} for number in range(20)])
"""
WITHOUT_BROKER = """
import time, offload
from django.conf import settings
from offload.messaging.installation import celery_app
celery_app().conf.broker_url = "amqp://127.0.0.1:1//"
begun = time.monotonic()
offload.submit("acc/quick", {"value": 1})
print(time.monotonic() - begun)
"""


@pytest.mark.on(*BOTH)
def test_jobs_of_another_process_run_though_it_binds_none(fleet: Fleet, place: Place) -> None:
    fleet.need("a", "b")

    done = script(place, SUBMITS)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 20
    assert {job.state for job in all_ended("acc/quick", 40)} == {JobState.SUCCEEDED}
    assert "binding them at submit failed" not in done.stderr


@pytest.mark.on(*BOTH)
def test_a_lost_wakeup_costs_a_sweep_and_no_job(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.need("a", "b")
    lost: list[str] = []

    def lose(_: Wakeups, agents: Wakeable, lane: str) -> bool:
        lost.append(lane)
        return True

    monkeypatch.setattr(Wakeups, "wake", lose)
    jobs = [offload.submit("acc/quick", {"value": number}) for number in range(10)]

    assert {ended(job).state for job in jobs} == {JobState.SUCCEEDED}
    assert len(lost) == 10


@pytest.mark.on(*BOTH)
def test_a_job_outlives_the_agent_that_was_woken_for_it(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    agent = worker.agent
    agent.send_signal(signal.SIGSTOP)

    job = offload.submit("acc/quick", {"value": 1})
    assert Job.objects.get(pk=job.id).state == JobState.PENDING
    agent.kill()

    assert ended(job).state == JobState.SUCCEEDED
    eventually(lambda: worker.agent.pid != agent.pid, what="another agent")
    assert ended(offload.submit("acc/quick", {"value": 2})).state == JobState.SUCCEEDED


@pytest.mark.on(*BOTH)
def test_a_submit_does_not_wait_for_a_broker_that_is_away(fleet: Fleet, place: Place) -> None:
    fleet.need("a")

    done = script(place, WITHOUT_BROKER)

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0
    [job] = all_ended("acc/quick", 1)
    assert job.state == JobState.SUCCEEDED


@pytest.mark.on(*BOTH)
def test_with_the_setting_off_whoever_submits_binds(fleet: Fleet, place: Place) -> None:
    fleet.need("a")

    done = script(
        place, 'import offload\nprint(offload.submit("acc/quick", {"value": 1}).row.epoch)',
        ACCEPTANCE_OFFLOAD=NOT_FAST,
    )  # fmt: skip

    assert done.stdout.strip() == "1", done.stderr
    assert [job.state for job in all_ended("acc/quick", 1)] == [JobState.SUCCEEDED]


@pytest.mark.on(*BOTH)
def test_a_worker_that_is_not_woken_gets_its_jobs_bound(fleet: Fleet) -> None:
    fleet.need()
    worker = fleet.start("deaf", variables={"ACCEPTANCE_OFFLOAD": NOT_FAST})
    assert worker.row.facts["wakeups"] == "none"

    job = offload.submit("acc/quick", {"value": 1})

    assert job.row.epoch == 1
    assert ended(job).state == JobState.SUCCEEDED


@pytest.mark.on("postgresql+rabbitmq")
def test_agents_are_woken_by_the_database_as_by_their_host(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.need("a", "b")
    monkeypatch.setattr("offload.dispatch.submission.own_host", lambda: "elsewhere")
    wakeups.forget()

    jobs = [offload.submit("acc/quick", {"value": number}) for number in range(20)]

    assert {ended(job).state for job in jobs} == {JobState.SUCCEEDED}
