from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.result import AsyncResult

import offload
from offload.core.placement.reasons import Obstacle
from offload.core.retries import Cause
from offload.core.states import JobState, Waiting
from offload.messaging.installation import celery_app
from offload.operations.handles import JobHandle
from offload.reading.waiting.explain import explain_job
from tests.acceptance.site import tasks
from tests.acceptance.watching import add_queue, ended, happened
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place


def strictly(topic: str, retries: int = 0) -> None:
    """Let jobs of a topic be retried so often only."""
    add_queue("strict", [topic], retries=retries, retry_delay=0)


@pytest.mark.everywhere
def test_a_hard_time_limit_ends_the_run_and_the_job_says_so(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    strictly("acc/hard", retries=1)

    job = offload.submit("acc/hard", {"seconds": 60})
    row = ended(job)

    assert row.state == JobState.GIVEN_UP
    assert (row.attempts, row.failures, row.crashes) == (2, 2, 0)
    assert "TimeLimitExceeded" in row.error_type
    assert happened(job) == ["start", "start"]
    assert worker.is_alive
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


@pytest.mark.everywhere
def test_a_client_that_knows_nothing_of_jobs_ends_them_too(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    stuck = offload.submit("acc/sleep", {"seconds": 60})
    eventually(lambda: stuck.state == JobState.ACTIVE)
    ours = celery_app().conf
    outsider = Celery("outsider", broker=ours.broker_url, set_as_current=False)
    outsider.conf.broker_transport_options = ours.broker_transport_options

    outsider.control.revoke(stuck.id, terminate=True)

    assert ended(stuck).state == JobState.STOPPED
    assert happened(stuck) == ["start"]
    assert worker.is_alive


def test_a_job_stopped_by_force_ends_and_its_neighbour_goes_on(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    stuck = offload.submit("acc/sleep", {"seconds": 60})
    neighbour = offload.submit("acc/sleep", {"seconds": 3})
    eventually(lambda: {stuck.state, neighbour.state} == {JobState.ACTIVE})

    offload.stop(stuck.id, force=True)
    row = ended(stuck)

    assert row.state == JobState.STOPPED
    assert [one.cause for one in row.ended_attempts.all()] == [Cause.STOPPED_FORCED]
    eventually(lambda: str(AsyncResult(stuck.id).state) == "REVOKED", what="Celery's result")
    neighbour.result(30)
    assert (neighbour.row.attempts, neighbour.row.crashes) == (1, 0)
    assert worker.is_alive


def test_a_soft_time_limit_fails_the_attempt(fleet: Fleet) -> None:
    fleet.need("a")
    strictly("acc/soft")

    job = offload.submit("acc/soft", {"seconds": 60})
    row = ended(job)

    assert (row.state, row.attempts) == (JobState.GIVEN_UP, 1)
    assert "SoftTimeLimitExceeded" in row.error_type
    assert happened(job) == ["start"]


def test_the_process_that_met_a_soft_limit_meets_it_again_in_its_next_job(fleet: Fleet) -> None:
    fleet.need()
    fleet.start("c", concurrency=1)
    strictly("acc/soft")

    jobs = offload.submit_many("acc/soft", [{"seconds": 60}] * 2)

    assert [ended(job).error_type.rpartition(".")[2] for job in jobs] == [
        "SoftTimeLimitExceeded"
    ] * 2


def test_a_time_limit_given_with_the_call_is_kept(fleet: Fleet) -> None:
    fleet.need("a")

    result = tasks.nap.apply_async((60,), time_limit=1)

    row = ended(JobHandle(result.id))
    assert row.state == JobState.GIVEN_UP
    assert "TimeLimitExceeded" in row.error_type


@pytest.mark.everywhere
@pytest.mark.parametrize("policy", [{"type": "ordered"}, {"max_parallel": 1}], ids=str)
def test_past_its_lease_a_worker_ends_the_runs_of_ordered_and_limited_queues_only(
    fleet: Fleet, policy: dict[str, Any]
) -> None:
    fleet.need()
    worker = fleet.start("c")
    add_queue("strict", ["acc/nap"], **policy)
    strict = JobHandle(tasks.nap.apply_async((20,)).id)
    plain = offload.submit("acc/sleep", {"seconds": 8})
    eventually(lambda: happened(strict) == happened(plain) == ["start"], what="both runs")
    processes = {one.pid for one in worker.family}

    agent = worker.agent
    agent.suspend()
    eventually(lambda: "lost its lease" in worker.last_words(), what="the end of a run")
    eventually(lambda: len(processes & {one.pid for one in worker.family}) == len(processes) - 1)
    agent.resume()

    eventually(lambda: len(happened(strict)) == 2, what="the second run")
    assert [one.cause for one in strict.row.ended_attempts.all()] == [Cause.LEASE_EXPIRED]
    assert (strict.row.attempts, strict.row.failures, strict.row.crashes) == (2, 0, 0)
    row = ended(plain)
    assert (row.state, row.attempts) == (JobState.SUCCEEDED, 1)
    assert happened(plain) == ["start", "end"]
    offload.stop(strict.id, force=True)
    ended(strict)


@pytest.mark.parametrize("pool", [pytest.param("threads", marks=pytest.mark.long), "solo"])
def test_a_pool_that_cannot_limit_runs_jobs_but_none_that_needs_a_limit(
    fleet: Fleet, pool: str
) -> None:
    fleet.need()
    worker = fleet.start("c", pool=pool)
    assert not worker.row.can_limit
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1

    limited = JobHandle(tasks.nap.apply_async((0.1,), time_limit=30).id)
    told = eventually(lambda: explain_job(limited.row).verdicts, what="an explanation")
    reasons = {one.instance: one.reason.obstacle for one in told if one.reason}
    assert reasons == {worker.name: Obstacle.CANNOT_LIMIT}
    assert explain_job(limited.row).waiting == Waiting.UNASSIGNED

    able = fleet.start("d")
    assert ended(limited).instance == able.name


def test_a_consumer_with_a_time_limit_of_its_own_is_not_routed_to_a_pool_that_cannot_limit(
    fleet: Fleet,
) -> None:
    fleet.need()
    worker = fleet.start("c", pool="threads")

    job = offload.submit("acc/hard", {"seconds": 0})
    told = explain_job(job.row)

    assert told.waiting == Waiting.UNASSIGNED
    reasons = {one.instance: one.reason.obstacle for one in told.verdicts if one.reason}
    assert reasons == {worker.name: Obstacle.CANNOT_LIMIT}


@pytest.mark.on("postgresql+redis")
def test_a_pool_of_connections_of_the_site_starves_no_worker(fleet: Fleet, place: Place) -> None:
    pooled = {**place.database, "OPTIONS": {"pool": {"max_size": 1, "timeout": 1}}}
    fleet.need()
    worker = fleet.start(
        "a", pool="threads", variables={"ACCEPTANCE_DATABASE": json.dumps(pooled)}, wait=False
    )
    worker.await_ready()

    jobs = offload.submit_many("acc/quick", [{"value": one} for one in range(10)])

    assert [job.result(60) for job in jobs] == list(range(10))
    assert "get a connection" not in worker.last_words()
