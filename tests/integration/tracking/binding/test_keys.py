"""Queues that tell their jobs apart by keys: limits, order and turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import offload
from offload.core.attempt_key import AttemptKey
from offload.core.retries import Cause, RetryDecision
from offload.core.states import Hold, JobState
from offload.dispatch import dispatching
from offload.fleet.snapshots import forget
from offload.models import Exclusion, Job, Queue
from offload.queues import policies
from offload.tracking import claiming, finishing, requeue
from tests.integration.tracking.binding.narrow import bind_keyed, end, keyed, narrow
from tests.integration.world import (
    BROKE,
    HERE,
    THERE,
    age,
    join,
    lose,
    place,
    row,
    states,
    waiting,
)  # fmt: skip

AGAIN = RetryDecision(state=JobState.PENDING, delay=30.0, failures=1, crashes=0, reason="again")


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=4)
    join(THERE, concurrency=4)


def test_no_key_has_more_than_its_limit_on_all_instances_together() -> None:
    narrow(max_per_key=2)
    acme, other, none = keyed("acme", 5), keyed("other", 1), keyed("", 3)

    assert bind_keyed(HERE) == [*acme[:2], *other, *none]
    assert bind_keyed(THERE) == []

    end(acme[0])
    assert bind_keyed(THERE) == acme[2:3]


def test_the_limit_of_the_queue_holds_beside_that_of_the_key() -> None:
    narrow(max_per_key=2, max_parallel=3)
    acme, other = keyed("acme", 5), keyed("other", 5)

    assert bind_keyed() == [*acme[:2], other[0]]
    assert bind_keyed(THERE) == []


def test_a_backlog_of_a_full_key_keeps_nothing_of_other_keys_back() -> None:
    narrow(max_per_key=1)
    acme = keyed("acme", 150)
    others = [job for key in "cab" for job in keyed(key)]

    assert bind_keyed(window=2) == [acme[0], others[1]]
    assert sorted(bind_keyed(THERE, window=9)) == sorted([others[0], others[2]])


def test_jobs_of_a_key_run_one_at_a_time_in_order_and_many_keys_at_once() -> None:
    narrow(type="ordered_per_key")
    first, second = keyed("a", 3), keyed("b", 2)

    assert bind_keyed() == [first[0], second[0]]
    assert bind_keyed(THERE) == []

    end(first[0])
    assert bind_keyed(THERE) == [first[1]]


def test_jobs_without_a_key_have_no_order() -> None:
    narrow(type="ordered_per_key")
    ids = keyed("", 3)

    assert bind_keyed() == ids


def test_a_head_that_waits_for_its_retry_blocks_those_of_its_key_alone() -> None:
    narrow(type="ordered_per_key")
    first, second = keyed("a", 2), keyed("b", 2)
    assert bind_keyed() == [first[0], second[0]]
    key = AttemptKey(job_id=first[0], epoch=1, token="t")
    claiming.claim(key)
    urgent = keyed("a", priority=9)
    finishing.requeue(key, AGAIN, BROKE, cause=Cause.FAILED)
    end(second[0])

    assert bind_keyed() == [second[1]]

    age(first[:1], "run_at", seconds=31)
    requeue.release_due()
    assert bind_keyed() == first[:1]
    end_begun(first[0])
    assert bind_keyed() == urgent


def end_begun(job_id: str) -> None:
    """End the second attempt of a job."""
    key = AttemptKey(job_id=job_id, epoch=2, token="u")
    claiming.claim(key)
    finishing.succeed(key, None, aftermath=False)


def test_the_head_of_a_key_is_found_across_topics() -> None:
    narrow(type="ordered_per_key")
    first = keyed("a", topic="dam/meta", hold=Hold.SUSPECT)
    second = keyed("a")

    assert bind_keyed() == []
    assert bind_keyed(suspect=True) == first
    assert states(second) == ["PENDING"]


def test_a_head_that_crashed_blocks_its_key_until_it_is_bound_again() -> None:
    narrow(type="ordered_per_key")
    ids = keyed("a", 2)
    bind_keyed()
    claiming.claim(AttemptKey(job_id=ids[0], epoch=1, token="t"))
    lose(ids[0], 1, cause=Cause.CRASHED, error="signal 9")

    assert bind_keyed() == []
    assert bind_keyed(suspect=True) == ids[:1]


def test_a_head_that_was_refused_here_blocks_its_key_here() -> None:
    narrow(type="ordered_per_key")
    ids, other = keyed("a", 2), keyed("b")
    later = datetime.now(UTC) + timedelta(seconds=60)
    Exclusion.objects.create(
        job=row(ids[0]), incarnation=place(HERE).incarnation, reason="no", until=later
    )

    assert bind_keyed(HERE) == other
    assert bind_keyed(THERE) == ids[:1]


def test_a_job_that_waits_for_others_does_not_block_its_key() -> None:
    narrow(type="ordered_per_key")
    keyed("a", hold=Hold.REPLACED)
    ids = keyed("a")

    assert bind_keyed() == ids


def test_many_blocked_keys_are_passed_over_in_a_few_rounds() -> None:
    """However many heads wait for their retry, each round looks at other keys."""
    narrow(type="ordered_per_key")
    for number in range(120):
        keyed(f"k{number:03}", delay=60)
        keyed(f"k{number:03}")
    free = keyed("z")

    rounds = [bind_keyed(window=5) for _ in range(30)]

    assert [one for one in rounds if one] == [free]


def test_who_looks_for_jobs_keeps_to_the_rules() -> None:
    """The agents' sweep, and the offer after a submission, go the same way."""
    narrow(max_per_key=1, key="tenant")
    given = ["acme", "acme", "other"]

    jobs = offload.submit_many("dam/rendition/web", [{"tenant": one} for one in given])
    dispatching.sweep()

    assert [job.state for job in jobs] == ["QUEUED", "PENDING", "QUEUED"]


def test_a_lower_limit_takes_back_what_has_not_begun() -> None:
    narrow(max_per_key=3)
    acme, other = keyed("acme", 3), keyed("other", 1)
    assert len(bind_keyed()) == 4
    claiming.claim(AttemptKey(job_id=acme[2], epoch=1, token="t"))

    assert policies.change(Queue.objects.get(name="narrow"), max_per_key=1) == 2
    assert states([*acme, *other]) == ["PENDING", "PENDING", "ACTIVE", "QUEUED"]
    assert bind_keyed(THERE) == []


def test_a_lower_limit_of_an_instance_takes_back_what_has_not_begun() -> None:
    narrow(max_per_instance=4)
    waiting(8, queue="narrow")
    bind_keyed(HERE), bind_keyed(THERE)

    assert policies.change(Queue.objects.get(name="narrow"), max_per_instance=0.25) == 6
    assert Job.objects.bound().count() == 2


def test_what_is_bound_beyond_the_limit_of_a_key_is_found_by_the_leader() -> None:
    narrow()
    dispatching.sweep()
    keyed("acme", 3)
    dispatching.sweep()
    Queue.objects.filter(name="narrow").update(max_per_key=1)
    forget()

    assert policies.exceeded() == ["narrow"]
    assert policies.enforce("narrow") == 2
    assert policies.exceeded() == []


@pytest.mark.parametrize("facts", [{"max_per_key": 2}, {"fair": True}, {"max_per_instance": 3}])
def test_nothing_of_a_suspended_queue_with_keys_is_bound(facts: dict[str, object]) -> None:
    narrow(suspended=True, **facts)
    keyed("acme", 2)

    assert dispatching.sweep() == 0
    assert bind_keyed() == []
