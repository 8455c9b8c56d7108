"""What is stored is offered after the commit: bound to who is free, and sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

import offload
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.messaging.installation import current_installation
from offload.models import Job
from offload.tracking.queries import loads_by_instance
from tests.integration.world import HERE, TOPIC, Broker, join, states

if TYPE_CHECKING:
    import pytest


def test_inside_a_transaction_nothing_is_bound_before_the_commit(
    database_alias: str, broker: Broker
) -> None:
    join()

    with transaction.atomic(using=database_alias):
        job = offload.submit(TOPIC)
        assert states([job.id]) == ["PENDING"]
        assert broker.sent_to() == []

    assert states([job.id]) == ["QUEUED"]
    assert [sent["id"] for sent in broker.sent_to()] == [job.id]


def test_a_job_is_sent_to_who_can_run_it_under_the_announced_name(broker: Broker) -> None:
    incarnation = join(
        consumers=[{"pattern": "dam/**", "task": "old.name"}, {"pattern": TOPIC, "task": "render"}]
    )

    job = offload.submit(TOPIC, {"width": 3})

    assert broker.sent_to() == [
        {
            "task": "render", "v": 1, "id": job.id, "epoch": 1, "topic": TOPIC,
            "instance": HERE, "incarnation": incarnation,
        }
    ]  # fmt: skip


def test_no_more_is_bound_at_submit_than_run_at_once(broker: Broker) -> None:
    join("a@1"), join("b@1")

    jobs = offload.submit_many(TOPIC, [{}] * 20)

    assert Job.objects.filter(state="QUEUED").count() == 4
    assert sorted(set(Job.objects.bound().values_list("instance", flat=True))) == ["a@1", "b@1"]
    assert states([job.id for job in jobs])[:5] == ["QUEUED"] * 4 + ["PENDING"]


def test_a_job_submitted_alone_waits_for_whoever_is_free_first() -> None:
    join()
    jobs = [offload.submit(TOPIC) for _ in range(3)]

    assert [job.state for job in jobs] == ["QUEUED", "QUEUED", "PENDING"]
    assert dispatching.refill(HERE) == 1


def test_instances_that_run_something_already_are_all_used_at_submit() -> None:
    join("a@1"), join("b@1")
    offload.submit(TOPIC), offload.submit(TOPIC)
    assert loads_by_instance() == {"a@1": 1, "b@1": 1}

    offload.submit_many(TOPIC, [{}] * 20)

    assert loads_by_instance() == {"a@1": 2, "b@1": 2}


def test_a_delayed_job_is_offered_to_nobody(broker: Broker) -> None:
    join()

    job = offload.submit(TOPIC, delay=60)

    assert job.state is JobState.PENDING
    assert broker.sent_to() == []


def test_while_the_broker_is_away_jobs_are_stored_and_wait() -> None:
    join()
    current_installation.to_broker.trip()

    assert offload.submit(TOPIC).state is JobState.PENDING


def test_a_failure_to_bind_does_not_reach_the_submitter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no topology")

    monkeypatch.setattr("offload.dispatch.offering.offer", fail)

    assert offload.submit(TOPIC).state is JobState.PENDING
    assert "jobs are stored and wait for the sweep" in caplog.text
