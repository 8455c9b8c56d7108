"""Many jobs at once: stopped, removed, retried; each request is bounded and counts the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

import offload
from offload.core.exceptions import NotRemovable, UnknownJob
from offload.core.states import JobState
from offload.jobs import aftermath, endings
from offload.models import Job
from offload.operations import bulk
from offload.operations.bulk import Changed
from offload.tracking import relays, terminations
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.world import (
    bound,
    celery_state,
    join,
    row,
    running,
    statements,
    states,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def given_up(count: int = 1, **facts: Any) -> list[str]:
    """Return jobs that ended GIVEN_UP."""
    ids = waiting(count, **facts)
    terminations.give_up(ids, state="GIVEN_UP", error_type="builtins.ValueError", error="no")
    return ids


def handed() -> str:
    """Return a job that was handed over."""
    run = running()
    endings.hand_over(run.ending, 60)
    return run.id


def ids_of(changed: Sequence[Changed]) -> list[str]:
    """Return the ids of what was changed."""
    return [one.id for one in changed]


def test_many_jobs_are_marked_at_once_and_concluded_by_the_sweep(app: Any) -> None:
    ids = waiting(aftermath.CONCLUDED_AT_ONCE + 1)

    found = bulk.stop(Job.objects.all())

    assert (sorted(ids_of(found.changed)), found.left) == (ids, 0)
    assert set(states(ids)) == {"STOPPED"}
    assert Job.objects.filter(aftermath_due=True).count() == len(ids)
    assert celery_state(app, ids[0]) == "PENDING"
    aftermath.sweep()
    assert {celery_state(app, one) for one in ids} == {"REVOKED"}


def test_a_few_jobs_are_concluded_at_once(app: Any) -> None:
    ids = waiting(3)

    bulk.stop(ids)

    assert {celery_state(app, one) for one in ids} == {"REVOKED"}


def test_the_statements_of_a_stop_grow_with_its_batches_not_with_its_jobs() -> None:
    waiting(60)
    with statements() as few:
        bulk.stop(Job.objects.all())
    waiting(400)
    with statements() as many:
        bulk.stop(Job.objects.all())

    assert len(many) == len(few)


def test_a_request_has_a_bound_and_says_how_many_are_left() -> None:
    ids = waiting(5)

    first = bulk.stop(Job.objects.of_type("QUEUED"), most=2)
    second = bulk.stop(Job.objects.of_type("QUEUED"), most=2)
    third = bulk.stop(Job.objects.of_type("QUEUED"), most=2)

    assert [one.left for one in (first, second, third)] == [3, 1, 0]
    assert ids_of([*first.changed, *second.changed, *third.changed]) == ids
    assert bulk.stop(ids, most=4).left == 1


def test_what_runs_is_asked_once_and_then_by_force() -> None:
    run = running()

    asked = bulk.stop(Job.objects.all())
    again = bulk.stop(Job.objects.all())
    forced = bulk.stop(Job.objects.all(), force=True)

    assert asked.changed == (Changed(id=run.id, state=JobState.ACTIVE),)
    assert again == bulk.BulkResult()
    assert forced.changed == asked.changed
    assert run.row.stop_forced is True


def test_each_id_that_was_not_changed_is_told_with_the_reason() -> None:
    over, run, queued = given_up()[0], running(), bound()[0].id

    stopped = bulk.stop([over, "nothing", queued])
    removed = bulk.remove([run.id, over])
    retried = bulk.retry([run.id, "nothing"])

    assert ids_of(stopped.changed) == [queued]
    assert [(one.id, one.state) for one in stopped.refused] == [
        (over, JobState.GIVEN_UP),
        ("nothing", None),
    ]
    assert "has ended GIVEN_UP" in stopped.refused[0].reason
    assert "no such job" in stopped.refused[1].reason
    assert "stop it instead" in removed.refused[0].reason
    assert "history" in removed.refused[1].reason
    assert "has not ended" in retried.refused[0].reason


def test_what_waits_or_was_handed_over_is_removed_and_what_runs_is_not(app: Any) -> None:
    away, run, queued, lonely = handed(), running(), bound()[0].id, waiting()[0]

    found = bulk.remove(Job.objects.all())

    assert sorted(ids_of(found.changed)) == sorted([lonely, queued, away])
    assert {one.state for one in found.changed} == {JobState.DROPPED}
    assert states([lonely, queued, run.id, away]) == ["DROPPED", "DROPPED", "ACTIVE", "DROPPED"]
    assert celery_state(app, away) == "REVOKED"


def test_a_plain_task_that_was_sent_is_stopped_not_removed() -> None:
    unsent, sent = waiting(2, kind="relay", hold="relay", topic="celery/plain")
    relays.claim([sent])
    relays.mark_sent([sent])

    found = bulk.remove([unsent, sent])

    assert ids_of(found.changed) == [unsent]
    assert "plain Celery task that was sent" in found.refused[0].reason
    assert bulk.remove(Job.objects.all()) == bulk.BulkResult()


def test_one_job_is_removed_through_the_api() -> None:
    run, job_id = running(), waiting()[0]

    assert offload.remove(job_id) is JobState.DROPPED
    with pytest.raises(NotRemovable, match="stop it instead"):
        offload.remove(run.id)
    with pytest.raises(NotRemovable, match="has ended DROPPED"):
        offload.remove(job_id)
    with pytest.raises(UnknownJob):
        offload.remove("nothing")


def test_what_has_ended_is_retried_once_by_a_question() -> None:
    old = given_up(2, properties={"width": 3}, priority=4, queue="default")
    running()

    found = bulk.retry(Job.objects.all())

    assert ids_of(found.changed) == old
    new = [one.retried_as for one in found.changed]
    assert sorted(new) == new
    assert [row(one).retry_of_id for one in new] == old
    assert {(row(one).priority, row(one).properties["width"]) for one in new} == {(4, 3)}
    assert bulk.retry(Job.objects.all()) == bulk.BulkResult()


def test_a_retry_that_failed_is_what_is_retried_next() -> None:
    old = given_up()[0]
    new = bulk.retry([old]).changed[0].retried_as

    twice = bulk.retry([old])
    offload.stop(new)

    assert twice.changed == ()
    assert new in twice.refused[0].reason
    assert ids_of(bulk.retry(Job.objects.all()).changed) == [new]
    assert ids_of(bulk.retry([old], again=True).changed) == [old]


@on_postgresql
def test_of_two_who_retry_at_once_one_does() -> None:
    old = given_up(30)

    found = together([lambda: bulk.retry(Job.objects.all()), lambda: bulk.retry(old)])

    assert sum(len(one.changed) for one in found) == len(old)
    assert Job.objects.filter(retry_of__in=old).count() == len(old)


def test_a_request_that_is_rolled_back_changed_nothing(database_alias: str) -> None:
    ids = waiting(2)

    with transaction.atomic(using=database_alias):
        bulk.stop(ids)
        transaction.set_rollback(True, using=database_alias)

    assert states(ids) == ["PENDING", "PENDING"]
