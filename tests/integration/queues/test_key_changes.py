"""Which property is the key of a queue's jobs, and what changes when another one is."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.exceptions import InvalidKey, InvalidQueue
from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching
from offload.models import Job, Queue
from offload.operations.handles import retry
from offload.queues import policies
from tests.integration.world import HERE, TOPIC, join, row, statements


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(HERE, concurrency=8)


def narrow(**facts: Any) -> Queue:
    return policies.add("narrow", ["dam/**"], **facts)


def key_of(job: offload.JobHandle) -> str:
    """Return a job's key; its lane says whether it has one."""
    found = row(job.id)
    assert Lane.parse(found.lane).keyed == bool(found.key)
    return str(found.key)


def test_a_job_has_the_key_that_its_queue_names_or_that_it_is_given() -> None:
    narrow(key="user.tenant")

    named = offload.submit(TOPIC, {"user": {"tenant": "acme"}})
    given = offload.submit(TOPIC, {"user": {"tenant": "acme"}}, key="other")
    none = offload.submit(TOPIC, {"user": {"tenant": "acme"}}, key="")
    many = offload.submit_many(TOPIC, [{"user": {"tenant": n}} for n in (1, None)])

    assert [key_of(job) for job in (named, given, none, *many)] == ["acme", "other", "", "1", ""]


def test_a_queue_without_a_key_asks_nothing_more_of_the_database() -> None:
    offload.submit(TOPIC, {"tenant": "acme"})
    with statements() as plain:
        offload.submit(TOPIC, {"tenant": "acme"})
    narrow(key="tenant")
    offload.submit(TOPIC, {"tenant": "acme"})
    with statements() as keyed:
        job = offload.submit(TOPIC, {"tenant": "acme"})

    assert len(plain) == len(keyed)
    assert key_of(job) == "acme"


def test_what_is_no_key_is_refused_and_nothing_is_stored() -> None:
    with pytest.raises(InvalidKey, match="at most 100 characters"):
        offload.submit(TOPIC, key="a" * 101)
    with pytest.raises(InvalidKey):
        offload.submit_many(TOPIC, [{}], key=7)  # type: ignore[arg-type]

    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"key": "a..b"}, "key"),
        ({"max_per_key": 0}, "max_per_key"),
        ({"type": "ordered", "max_per_key": 2}, "max_per_key"),
        ({"type": "ordered_per_key", "max_per_key": 2}, "max_per_key"),
        ({"type": "ordered", "fair": True}, "fair"),
        ({"type": "topic_round_robin", "fair": True}, "fair"),
        ({"weights": {"a": 2}}, "weights"),
        ({"fair": True, "weights": {"a": 0}}, "weights"),
        ({"ageing": 60, "fair": True}, "ageing"),
        ({"ageing": 60, "type": "ordered_per_key"}, "ageing"),
        ({"max_per_instance": 0}, "max_per_instance"),
        ({"max_per_instance": 1.5}, "max_per_instance"),
        ({"max_per_instance": -2}, "max_per_instance"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(facts: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidQueue, match=problem):
        narrow(**facts)

    assert not Queue.objects.exists()


def test_jobs_that_have_not_ended_follow_when_another_property_becomes_the_key() -> None:
    narrow(max_per_key=1)
    jobs = offload.submit_many(TOPIC, [{"a": "x", "b": n} for n in (1, 2, 2, None)])
    given = offload.submit(TOPIC, {"a": "x", "b": 3}, key="mine")
    assert [key_of(job) for job in (*jobs, given)] == ["", "", "", "", "mine"]

    policies.change(policies.find("narrow"), key="b")
    assert [key_of(job) for job in (*jobs, given)] == ["1", "2", "2", "", "mine"]

    policies.change(policies.find("narrow"), key="a")
    assert [key_of(job) for job in (*jobs, given)] == ["x", "x", "x", "x", "mine"]
    assert Job.objects.bound().count() == 2

    policies.change(policies.find("narrow"), key="")
    assert [key_of(job) for job in (*jobs, given)] == ["", "", "", "", "mine"]
    dispatching.sweep()
    assert Job.objects.bound().count() == 5


def test_a_repetition_has_the_key_of_the_job() -> None:
    narrow(key="tenant")
    job = offload.submit(TOPIC, {"tenant": "acme"}, key="mine")
    offload.stop(job)

    assert key_of(retry(job)) == "mine"
