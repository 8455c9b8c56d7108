"""Jobs go to instances that have what is required, and are taken back from those that do not."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.exceptions import InvalidQueue, InvalidRequirement
from offload.core.placement.reasons import Obstacle
from offload.diagnostics import Level, jobs
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue
from offload.queues import declared, policies
from offload.rules import enforcement
from tests.integration.world import HERE, TASK, THERE, TOPIC, Broker, join, states, waiting

WEAK, STRONG = {"ram_gb": 32}, {"ram_gb": 128, "gpu": True}
BIG = {"ram_gb": {">=": 64}}


@pytest.fixture(autouse=True)
def _broker(broker: Broker) -> None:
    """Let jobs be sent."""


def test_a_job_is_bound_to_the_instance_that_has_it_though_others_are_free() -> None:
    join(HERE, facts=WEAK), join(THERE, facts=STRONG, labels=["licensed"])

    found = [offload.submit(TOPIC, requires={**BIG, "labels": ["licensed"]}) for _ in range(3)]

    assert [job.row.instance for job in found] == [THERE, THERE, ""]
    assert dispatching.refill(HERE) == 0
    assert dispatching.refill(THERE) == 1


def test_many_jobs_share_what_they_require() -> None:
    join(HERE, facts=WEAK), join(THERE, facts=STRONG)

    offload.submit_many(TOPIC, [{}] * 3, requires=BIG)

    assert set(Job.objects.bound().values_list("instance", flat=True)) == {THERE}
    assert dispatching.sweep() == 1


def test_the_consumer_of_each_instance_asks_for_itself() -> None:
    strict = [{"pattern": "dam/**", "task": TASK, "requires": BIG}]
    join(HERE, facts=WEAK, consumers=strict), join(THERE, facts=STRONG, consumers=strict)

    assert offload.submit(TOPIC).row.instance == THERE


def test_everything_that_each_instance_lacks_is_explained() -> None:
    join(HERE, facts=WEAK)
    join(THERE, facts={**STRONG, "ram_gb": 63})
    job = offload.submit(TOPIC, requires={**BIG, "gpu": True})

    found = offload.explain(job)

    assert found.is_unmet
    assert not found.infeasible
    assert [one.reason and one.reason.obstacle for one in found.verdicts] == [Obstacle.UNMET] * 2
    assert f"No known instance has what a job of {TOPIC} requires." in found.sentence
    assert "it has no property gpu, which must be true; ram_gb is 32, and must be >= 64" in (
        found.sentence
    )
    assert found.next_step == (
        "To see what instances have: manage.py offload instances --properties"
    )
    assert found.as_dict()["requires"] == {**BIG, "gpu": True}


def test_a_property_that_no_instance_announces_is_named_everywhere() -> None:
    join(facts=STRONG)
    job = offload.submit(TOPIC, requires={"gpus": {">=": 1}})

    hint = "No known instance has a property gpus. Did you mean 'gpu'?"
    assert hint in offload.explain(job).sentence
    [finding] = [one for one in jobs.examine() if one.level is Level.WARN]
    assert finding.fact == f"Jobs of {TOPIC} wait for what no known instance has: gpus >= 1. {hint}"


def test_what_an_instance_that_is_gone_had_is_no_finding() -> None:
    incarnation = join(THERE, facts=STRONG)
    join(HERE, facts=WEAK)
    membership.leave(THERE, incarnation, reason="test", crash=True)

    job = offload.submit(TOPIC, requires=BIG)

    assert not offload.explain(job).is_unmet
    assert [one for one in jobs.examine() if one.level is Level.WARN] == []


def test_what_a_queue_requires_acts_at_once_on_what_waits_and_what_is_bound() -> None:
    join(HERE, facts=WEAK), join(THERE, facts=STRONG)
    queue = policies.add("big", [TOPIC])
    ids = [job.id for job in offload.submit_many(TOPIC, [{}] * 8)]
    before = set(Job.objects.bound().values_list("instance", flat=True))

    policies.change(queue, requires=BIG)
    enforcement.give_back_forbidden(HERE, snapshot(fresh=True))
    dispatching.refill(HERE)

    assert before == {HERE, THERE}
    assert set(Job.objects.bound().values_list("instance", flat=True)) == {THERE}
    assert "PENDING" in states(ids)
    assert offload.explain(TOPIC).requires.given == BIG


def test_a_repetition_of_a_job_requires_the_same() -> None:
    job = offload.submit(TOPIC, requires=BIG)
    offload.stop(job.id)

    again = offload.retry(job.id)

    assert again.row.lane == job.row.lane
    assert offload.explain(again).requires.given == BIG


@pytest.mark.parametrize("asked", [{"ram_gb": {"=>": 1}}, {"ram_gb": None}, "gpu"])
def test_a_requirement_that_cannot_be_compared_stores_nothing(asked: Any) -> None:
    with pytest.raises(InvalidRequirement):
        offload.submit(TOPIC, requires=asked)
    with pytest.raises(InvalidRequirement):
        offload.submit_many(TOPIC, [{}], requires=asked)
    with pytest.raises(InvalidQueue, match="invalid"):
        policies.add("big", [TOPIC], requires=asked)
    assert (Job.objects.count(), Queue.objects.count()) == (0, 0)


def test_a_queue_whose_row_cannot_be_read_runs_nothing_rather_than_anything() -> None:
    join(facts=STRONG)
    Queue.objects.create(name="odd", topics=[TOPIC], requires=["gpu"])

    job = offload.submit(TOPIC)

    assert job.state == "PENDING"
    assert "it has no label (unreadable)" in offload.explain(job).sentence


def test_a_queue_that_the_settings_declare_may_require(settings: Any) -> None:
    settings.OFFLOAD = {
        **settings.OFFLOAD, "QUEUES": {"big": {"topics": [TOPIC], "requires": BIG}},
    }  # fmt: skip
    declared.sync(remove=False)
    join(HERE, facts=WEAK), join(THERE, facts=STRONG)

    assert offload.submit(TOPIC).row.instance == THERE


def test_a_job_without_requirements_has_the_lane_that_it_had() -> None:
    [job_id] = waiting()

    assert Job.objects.get(pk=job_id).lane == f"default||{TOPIC}"
