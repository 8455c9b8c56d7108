"""Jobs that wait a moment for the instance of another job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.canvas.freezing.context import Running, running
from offload.core.exceptions import InvalidId, InvalidPlacement, UnknownJob
from offload.core.placement.affinity import Affinity, Beside
from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.jobs import stopping
from offload.models import Job, PayloadFile
from offload.queues import declared, policies
from tests.integration.world import HERE, THERE, TOPIC, age, bound, join, row, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.world import Broker


@pytest.fixture(autouse=True)
def _instances(broker: Broker) -> None:
    join(HERE)
    join(THERE)


@contextmanager
def within(instance: str) -> Iterator[None]:
    """Run the block as the code of a job at an instance."""
    token = running.set(Running(id="outer", epoch=1, instance=instance))
    try:
        yield
    finally:
        running.reset(token)


def affinity(job: offload.JobHandle) -> Affinity | None:
    """Return what keeps a job to an instance."""
    return Lane.parse(job.row.lane).affinity


@pytest.mark.parametrize("name", [HERE, THERE])
def test_a_job_goes_to_the_instance_of_another_one(name: str) -> None:
    other = bound(name=name)[0]

    job = offload.submit(TOPIC, near=offload.JobHandle(other.id), near_wait=60)

    assert (job.row.instance, affinity(job)) == (name, Affinity(instance=name, seconds=60))


def test_it_waits_for_a_full_instance_and_then_goes_anywhere() -> None:
    other = bound(4)[0]
    job = offload.submit(TOPIC, near=other.id, near_wait=60)
    dispatching.bind_due()
    assert job.row.instance == ""
    assert f"The job waits 60 s for {HERE}" in str(offload.explain(job).verdicts)

    age([job.id], "created_at", seconds=61)
    dispatching.sweep()
    assert job.row.instance == ""


def test_a_job_waits_for_another_one_to_get_an_instance() -> None:
    [other] = waiting()
    job = offload.submit(TOPIC, near=other, near_wait=60)
    assert affinity(job) == Beside(job=other, seconds=60)
    assert job.row.instance == ""
    assert f"for job {other} to get an instance" in offload.explain(job).sentence

    dispatching.bind_due()
    dispatching.bind_due()

    assert job.row.instance == row(other).instance != ""
    assert affinity(job) == Affinity(instance=job.row.instance, seconds=60)


def test_it_goes_anywhere_once_the_other_one_can_get_no_instance_or_the_time_is_over() -> None:
    never, late = waiting(2, delay=3600)
    first = offload.submit(TOPIC, near=never, near_wait=3600)
    second = offload.submit(TOPIC, near=late, near_wait=60)
    stopping.stop_jobs([never])
    age([second.id], "created_at", seconds=61)

    dispatching.bind_due()
    dispatching.bind_due()

    assert first.row.instance
    assert second.row.instance
    assert (affinity(first), affinity(second)) == (None, None)


def test_near_here_is_the_instance_whose_job_submits_it() -> None:
    with within(THERE):
        job = offload.submit(TOPIC, near="here")
        other = offload.submit("audio/mix", near="here")

    assert job.row.instance == THERE
    assert affinity(other) is None
    assert affinity(offload.submit(TOPIC, near="here")) is None


def test_near_inputs_is_the_instance_that_made_them() -> None:
    made = offload.submit(TOPIC, files={"in": b"x"})
    PayloadFile.objects.filter(payload=made.row.payload_id).update(job=made.id, epoch=1)
    Job.objects.filter(pk=made.id).update(instance=THERE)
    [file] = PayloadFile.objects.filter(job=made.id)

    with file.open() as source:
        job = offload.submit(TOPIC, files={"in": source}, near="inputs")

    assert affinity(job) == Affinity(instance=THERE, seconds=5)
    assert affinity(offload.submit(TOPIC, files={"in": b"y"}, near="inputs")) is None


def test_a_queue_may_prefer_the_instance_that_creates_a_job() -> None:
    policies.add("local", [TOPIC], prefer_creation_instance=True)
    snapshot(fresh=True)

    with within(THERE):
        job = offload.submit(TOPIC)

    assert (job.row.instance, affinity(job)) == (THERE, Affinity(instance=THERE, seconds=5))
    assert affinity(offload.submit(TOPIC)) is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"near": "no-such-job"}, UnknownJob),
        ({"near": ""}, InvalidId),
        ({"near": "x" * 101}, InvalidPlacement),
        ({"near_wait": 5}, InvalidPlacement),
        ({"near": 7}, InvalidId),
        ({"near": "here", "near_wait": -1}, offload.InvalidDelay),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        offload.submit(TOPIC, **options)

    assert not Job.objects.exists()


def test_the_settings_may_declare_it(settings: Any) -> None:
    queues = {"local": {"topics": ["dam/index"], "prefer_creation_instance": True}}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}
    declared.sync(remove=False)

    assert declared.difference() == declared.Difference()
    assert snapshot(fresh=True).policy("local").prefer_creation_instance
