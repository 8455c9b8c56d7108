"""Attempts that ended without a word, refusals, lost messages, and jobs that are stranded."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload.core.placement.lanes import Lane
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.core.states import Hold, JobState
from offload.dispatch import dispatching, republishing, unbegun
from offload.fleet import departures, leadership, membership
from offload.fleet.leadership import NotLeader, Term
from offload.fleet.snapshots import snapshot
from offload.jobs import losses, refusals
from offload.messaging.publisher import breaker
from offload.models import Attempt, Exclusion, Instance, Job, Queue
from offload.models.versions import raise_version
from offload.tracking import requeue
from offload.tracking.bindings import bind
from offload.tracking.queries import active_on
from offload.tracking.selectors import Seat, these
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.world import (
    HERE,
    LANE,
    TASK,
    THERE,
    TOPIC,
    Broker,
    age,
    bound,
    join,
    place,
    row,
    running,
    states,
    waiting,
)  # fmt: skip
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery
    from pytest_django import Settings

    from offload.tracking.bindings import BoundJob


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.fixture
def term() -> Term:
    """Return the term of the one instance."""
    found = leadership.acquire(HERE, place().incarnation)
    assert found is not None
    snapshot(fresh=True)
    return found


def test_what_runs_on_an_incarnation_is_known_by_job_and_epoch() -> None:
    run = running()
    bound()
    join(THERE)
    running(THERE)

    assert active_on(HERE, place().incarnation) == {(run.id, 1)}
    assert active_on(HERE, "another") == set()


def test_a_run_whose_process_died_waits_as_a_suspect() -> None:
    run = running()

    losses.ended(run.id, 1, cause=Cause.CRASHED, told="signal 9")

    assert (run.row.state, run.row.hold, run.row.crashes) == (JobState.PENDING, Hold.SUSPECT, 1)
    assert run.row.error == "signal 9"


def test_a_third_crash_is_concluded_at_once() -> None:
    run = running()
    Job.objects.filter(pk=run.id).update(crashes=2)

    losses.crashed(run.id, 1, "signal 9")

    assert (run.row.state, run.row.aftermath_due) == (JobState.GIVEN_UP, False)
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_run_over_its_time_is_retried_as_its_queue_says() -> None:
    Queue.objects.create(name="patient", topics=["x"], retries=1, retry_delay=30)
    snapshot(fresh=True)
    run = running(queue="patient")

    losses.ended(run.id, 1, cause=Cause.TIMED_OUT, told="over 60 s")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert run.row.run_at is not None
    assert Attempt.objects.get().cause == "timed_out"


def test_a_run_over_its_time_once_too_often_is_given_up() -> None:
    Queue.objects.create(name="patient", topics=["x"], retries=0)
    snapshot(fresh=True)
    run = running(queue="patient")

    losses.ended(run.id, 1, cause=Cause.TIMED_OUT, told="over 60 s")

    assert (run.row.state, run.row.error) == (JobState.GIVEN_UP, "over 60 s")
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_called_task_over_its_time_is_not_retried_as_celery_would_not() -> None:
    run = running(task=TASK)

    losses.ended(run.id, 1, cause=Cause.TIMED_OUT, told="over 60 s")

    assert run.row.state == JobState.GIVEN_UP


@contextmanager
def _registered(app: Celery, base: type[OffloadTask], **options: Any) -> Iterator[None]:
    """Let the app know the task by which the instance consumes, for the block."""

    def render() -> None:
        pass

    make: Any = app.task(
        base=base, name=TASK, pattern="dam/**", shared=False, lazy=False, **options
    )
    make(render)
    yield
    app.tasks.pop(TASK)


BASES = {
    "a consumer, called": (ConsumerTask, TASK, JobState.PENDING),
    "a consumer, submitted": (ConsumerTask, "", JobState.PENDING),
    "a task, called": (OffloadTask, TASK, JobState.GIVEN_UP),
    "a task, submitted": (OffloadTask, "", JobState.GIVEN_UP),
    "a consumer, called by a name of another code": (ConsumerTask, "dam.old", JobState.PENDING),
}


@pytest.mark.parametrize(("base", "task", "state"), BASES.values(), ids=BASES)
def test_a_run_over_its_time_is_retried_as_its_task_says(
    app: Celery, base: type[OffloadTask], task: str, state: JobState
) -> None:
    run = running(task=task)

    with _registered(app, base):
        losses.ended(run.id, 1, cause=Cause.TIMED_OUT, told="over 60 s")

    assert run.row.state == state


#: What the call said of its result, what the task says, and whether the backend is told.
SILENT: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "neither": ({}, False, True),
    "the task": ({}, True, False),
    "the call": ({"ignore_result": True}, False, False),
    "the call, against the task": ({"ignore_result": False}, True, True),
}


@pytest.mark.parametrize("is_known", [True, False], ids=["code is here", "only announced"])
@pytest.mark.parametrize(("options", "ignored", "told"), SILENT.values(), ids=SILENT)
def test_a_lost_run_has_a_result_only_where_its_call_and_its_task_want_one(
    app: Celery, options: dict[str, Any], ignored: bool, told: bool, is_known: bool
) -> None:
    silent = {} if is_known else {"silent": ignored}
    Instance.objects.update(consumers=[{"pattern": "dam/**", "task": TASK, **silent}])
    raise_version()
    snapshot(fresh=True)
    run = running(options=options)
    Job.objects.filter(pk=run.id).update(crashes=2)

    with _registered(app, ConsumerTask, ignore_result=ignored) if is_known else nullcontext():
        losses.crashed(run.id, 1, "signal 9")

    assert (run.row.state, run.row.aftermath_due) == (JobState.GIVEN_UP, False)
    assert TaskResult.objects.filter(task_id=run.id).exists() == told


@pytest.mark.parametrize("cause", losses.UNCOUNTED_CAUSES)
def test_a_run_ended_by_force_or_lease_expiry_counts_neither_as_failure_nor_as_crash(
    cause: Cause,
) -> None:
    run = running()

    losses.ended(run.id, 1, cause=cause, told="not its fault")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 0, 0)
    assert Attempt.objects.get().cause == cause


@pytest.mark.parametrize("cause", [Cause.CRASHED, Cause.TIMED_OUT, *losses.UNCOUNTED_CAUSES])
def test_a_report_of_an_older_attempt_changes_nothing(cause: Cause) -> None:
    run = running()

    losses.ended(run.id, 0, cause=cause, told="late")

    assert (run.row.state, Attempt.objects.count()) == (JobState.ACTIVE, 0)


def test_the_leader_moves_what_is_bound_to_who_does_not_live(term: Term) -> None:
    stranded, queued, fine = running(), bound()[0], running()
    Job.objects.ids([stranded.id, queued.id]).update(incarnation="of yesterday")

    departures.move(term)

    assert states([stranded.id, queued.id, fine.id]) == ["PENDING", "PENDING", "ACTIVE"]
    assert (stranded.row.crashes, row(queued.id).crashes) == (1, 0)
    assert Attempt.objects.get().incarnation == "of yesterday"


def test_who_leads_no_more_moves_nothing(term: Term) -> None:
    stranded = running()
    Job.objects.update(incarnation="of yesterday")
    leadership.resign(term.incarnation)

    with pytest.raises(NotLeader):
        departures.move(term)

    assert stranded.row.state == "ACTIVE"


def test_a_job_bound_too_long_moves_where_there_is_room(term: Term) -> None:
    late, young = bound()[0], bound()[0]
    age([late.id], "bound_at", seconds=11)
    unbegun.recall(term)
    assert row(late.id).state == "QUEUED"
    join(THERE)

    unbegun.recall(term)

    assert states([late.id, young.id]) == ["PENDING", "QUEUED"]


def test_a_job_taken_back_goes_to_another_and_counts_as_no_refusal(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE)
    unbegun.recall(term)

    assert bind(place(), [LANE], limit=1) == []
    assert [job.id for job in bind(place(THERE), [LANE], limit=1)] == [late.id]
    assert (row(late.id).refusals, Instance.objects.get(pk=HERE).broken) == (0, [])
    assert Exclusion.objects.get().reason == "not begun in time; another has room"


def test_a_job_that_nobody_else_took_goes_back_after_a_while(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE)
    unbegun.recall(term)
    Exclusion.objects.update(until=datetime.now(UTC) - timedelta(seconds=1))

    assert [job.id for job in bind(place(), [LANE], limit=1)] == [late.id]


def test_a_job_bound_too_long_stays_where_nobody_else_can_run_it(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE, consumers=[{"pattern": "billing/**", "task": "bill"}])

    unbegun.recall(term)

    assert row(late.id).state == "QUEUED"


def test_due_jobs_are_released_and_bound_by_the_leader(term: Term) -> None:
    ids = waiting(delay=60)
    dispatching.bind_due()
    assert states(ids) == ["PENDING"]
    age(ids, "run_at", seconds=61)

    dispatching.bind_due()

    assert states(ids) == ["QUEUED"]


def test_a_refused_job_waits_for_others_first() -> None:
    join(THERE)
    job = bound()[0]

    refusals.refuse(job.id, 1, instance=HERE, task=TASK)

    assert (row(job.id).state, row(job.id).refusals) == ("PENDING", 1)
    exclusion = Exclusion.objects.get()
    assert exclusion.incarnation == place(HERE).incarnation
    assert exclusion.reason == f"{HERE} does not know the task {TASK}"
    assert dispatching.refill(HERE) == 0
    assert dispatching.refill(THERE) == 1


def test_a_refusal_of_an_older_binding_changes_nothing() -> None:
    job = bound()[0]

    refusals.refuse(job.id, 0, instance=HERE, task=TASK)

    assert row(job.id).state == "QUEUED"
    assert not Exclusion.objects.exists()


#: Refusals before, and for how many seconds the next one excludes.
EXCLUDED = [(0, 5), (1, 10), (2, 25), (7, 250), (8, 300), (1000, 300)]


@pytest.mark.parametrize(("before", "seconds"), EXCLUDED)
def test_each_refusal_excludes_for_longer_up_to_five_minutes(before: int, seconds: int) -> None:
    job = bound()[0]
    Job.objects.update(refusals=before)

    refusals.refuse(job.id, 1, instance=HERE, task=TASK)

    wait = Exclusion.objects.get().until - datetime.now(UTC)
    assert abs(wait.total_seconds() - seconds) < 3


def test_after_five_refusals_the_task_is_broken_there_and_goes_elsewhere(
    alarms: list[str],
) -> None:
    job = bound()[0]
    Job.objects.filter(pk=job.id).update(refusals=3)
    refusals.refuse(job.id, 1, instance=HERE, task=TASK)
    assert Instance.objects.get().broken == []
    Exclusion.objects.all().delete()
    (again,) = bind(place(), [LANE], limit=1)

    refusals.refuse(again.id, again.epoch, instance=HERE, task=TASK)

    assert Instance.objects.get().broken == [TASK]
    assert alarms == [f"{HERE} refused {TASK} 5 times and gets no more of it"]
    snapshot(fresh=True)
    Exclusion.objects.all().delete()
    assert dispatching.sweep() == 0
    refusals.mark_broken(HERE, TASK)
    assert len(alarms) == 1


def test_a_task_that_was_broken_is_tried_again_by_the_next_incarnation() -> None:
    refusals.mark_broken(HERE, TASK)
    membership.goodbye(HERE, place().incarnation)

    join()

    assert Instance.objects.get().broken == []


#: Seconds since the binding, times sent again, and whether it is due now.
#: Seconds since the binding, messages sent again so far, and whether another is due.
TIMES = [(70, 0, False), (130, 0, True), (270, 1, False), (330, 1, True), (3070, 4, False),
         (3130, 4, True)]  # fmt: skip


@pytest.mark.parametrize(("seconds", "times", "due"), TIMES)
def test_a_lost_message_is_sent_again_after_its_time_then_after_twice_as_long(
    seconds: int, times: int, due: bool, broker: Broker, settings: Settings
) -> None:
    settings.OFFLOAD = {**settings.OFFLOAD, "REPUBLISH": 100}
    job = bound()[0]
    Job.objects.update(publishes=times)
    age([job.id], "bound_at", seconds=seconds)

    sent = republishing.send_again(HERE, place().incarnation, held=())

    assert sent == int(due)
    assert [(one["id"], one["epoch"]) for one in broker.sent_to()] == [(job.id, 1)] * due
    assert row(job.id).publishes == times + due


def test_after_the_fifth_time_a_job_is_recalled() -> None:
    job = bound()[0]
    Job.objects.update(publishes=5)
    age([job.id], "bound_at", seconds=62)
    assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert row(job.id).state == "QUEUED"
    age([job.id], "bound_at", seconds=2)

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0

    assert row(job.id).state == "PENDING"


def test_a_message_that_is_held_is_not_sent_again() -> None:
    job = bound()[0]
    age([job.id], "bound_at", seconds=6)

    assert republishing.send_again(HERE, place().incarnation, held={(job.id, 1)}) == 0
    assert republishing.send_again(HERE, place().incarnation, held={(job.id, 0)}) == 1


def test_what_runs_is_not_sent_again() -> None:
    run = running()
    age([run.id], "bound_at", seconds=60)

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0


def test_a_broker_that_is_away_does_not_reach_the_caller(app: object, broker: Broker) -> None:
    job = bound()[0]
    age([job.id], "bound_at", seconds=6)
    breaker.trip()

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert broker.sent_to() == []
    assert row(job.id).publishes == 0


def test_what_a_broker_that_is_away_is_to_be_sent_is_sent_once_it_is_back(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bound()[0]
    Job.objects.update(publishes=4)
    age([job.id], "bound_at", seconds=1000)

    def fail(_: object) -> dict[str, Exception]:
        breaker.trip()
        return {}

    with monkeypatch.context() as outage:
        outage.setattr("offload.dispatch.sending.publish", fail)
        assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert row(job.id).publishes == 4

    breaker.closed_at = 0.0
    assert republishing.send_again(HERE, place().incarnation, held=()) == 1
    assert [one["id"] for one in broker.sent_to()] == [job.id]


def test_a_suspect_instance_is_not_given_what_it_is_not_ready_for() -> None:
    membership.set_mode(HERE, place().incarnation, Mode.SUSPECT)
    waiting(topic=TOPIC)
    snapshot(fresh=True)

    assert dispatching.sweep() == 0


@pytest.mark.parametrize(
    "cause", [Cause.FAILED, Cause.TIMED_OUT, Cause.CRASHED, Cause.LEASE_EXPIRED]
)
def test_an_instance_ends_no_run_of_another_one(cause: Cause) -> None:
    run = running()
    there = Seat(instance=THERE, incarnation=join(THERE))

    losses.ended(run.id, 1, cause=cause, told="it cannot be decoded", here=there)

    assert (run.row.state, run.row.token, run.row.crashes) == ("ACTIVE", run.key.token, 0)

    here = Seat(instance=HERE, incarnation=run.row.incarnation)
    losses.ended(run.id, 1, cause=cause, told="its process died", here=here)

    assert run.row.state == "PENDING"


def begins_never(job: BoundJob, cause: Cause = Cause.FAILED) -> Job:
    """Tell that a message came to nothing before its claim; return the job as it is then."""
    losses.ended(job.id, job.epoch, cause=cause, told="cannot be read")
    return row(job.id)


@pytest.mark.parametrize("task", ["", "a.task"], ids=["consumer", "Celery task"])
def test_what_cannot_begin_is_a_failed_attempt_and_ends_as_its_queue_says(task: str) -> None:
    Queue.objects.create(name="strict", topics=[TOPIC], retries=1, retry_delay=0)
    snapshot(fresh=True)
    first = begins_never(bound(queue="strict", task=task)[0])
    assert (first.state, first.attempts, first.failures) == (JobState.PENDING, 1, 1)
    assert [one.error for one in first.ended_attempts.all()] == ["cannot be read"]

    # No delay at all is a hundredth of a second.
    eventually(requeue.release_due)
    last = begins_never(bind(place(), [Lane.parse(first.lane)], limit=1)[0])

    assert (last.state, last.attempts, last.failures) == (JobState.GIVEN_UP, 2, 2)
    assert last.error_type == "offload.core.exceptions.runtime.CannotBegin"
    assert last.error == "cannot be read"


def test_a_process_that_dies_before_the_claim_is_a_crash() -> None:
    found = begins_never(bound()[0], Cause.CRASHED)

    assert (found.state, found.attempts, found.crashes) == (JobState.PENDING, 1, 1)


def test_an_outage_before_the_claim_counts_nothing_and_leaves_the_job_bound() -> None:
    for cause in (Cause.LEASE_EXPIRED, Cause.STOPPED_FORCED):
        found = begins_never(bound()[0], cause)
        assert (found.state, found.attempts) == (JobState.QUEUED, 0)


def test_what_moved_on_is_not_ended_for_a_message_of_before() -> None:
    job = bound()[0]
    requeue.recall(these([job.id]), cause=Cause.REQUEUED)
    again = bind(place(), [Lane.parse(row(job.id).lane)], limit=1)[0]

    begins_never(job)

    assert (row(job.id).state, row(job.id).epoch) == (JobState.QUEUED, again.epoch)
