"""Celery's event of jobs that ended on request, read by Celery's own receiver and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.events.dispatcher import EventDispatcher
from celery.events.state import State
from django.db import transaction
from kombu import Consumer

from offload.core.retries import Cause
from offload.db import database
from offload.fleet import leadership
from offload.jobs import aftermath, celery_events, endings, losses, stopping
from offload.messaging.installation import current_installation
from offload.models import Job
from offload.tracking import requeue, terminations
from tests.integration.world import (
    HERE,
    THERE,
    age,
    bound,
    join,
    row,
    running,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

QUIET = 0.3


class Ears:
    """Celery's receiver of events, and its state of the cluster, which Flower shows."""

    def __init__(self, app: Celery, connection: Any) -> None:
        """Listen on a connection."""
        events: Any = app.events
        self.state: Any = State()
        self._heard: list[dict[str, Any]] = []
        receiver: Any = events.Receiver(connection, handlers={"*": self._hear})
        self._connection = connection
        self.consumer: Any = Consumer(
            connection.default_channel,
            queues=[receiver.queue],
            callbacks=[receiver._receive],
            no_ack=True,
            accept=["json"],
        )

    def _hear(self, event: dict[str, Any]) -> None:
        self._heard.append(event)
        self.state.event(event)

    def revoked(self) -> list[dict[str, Any]]:
        """Return the events of revoked tasks so far."""
        try:
            while True:
                self._connection.drain_events(timeout=QUIET)
        except TimeoutError:
            return [one for one in self._heard if one["type"] == "task-revoked"]


@pytest.fixture
def ears(app: Celery) -> Iterator[Ears]:
    """Return the receiver while two instances are here, one of which leads."""
    leadership.acquire(THERE, join(THERE))
    join()
    with app.connection_for_read() as connection:
        made = Ears(app, connection)
        with made.consumer:
            yield made


def stopped_while_bound() -> str:
    """Stop a job that its instance has received."""
    (job,) = bound()
    stopping.stop(job.id)
    return job.id


def stopped_by_itself() -> str:
    """Let a consumer give up a job that it was asked to stop."""
    run = running()
    stopping.stop(run.id)
    endings.stop(run.ending)
    return run.id


def killed() -> str:
    """Kill the process of a job, as its instance does."""
    run = running()
    stopping.stop(run.id, force=True)
    losses.ended((run.id, run.key.epoch), cause=Cause.STOPPED_FORCED, detail="killed")
    return run.id


def lost() -> str:
    """Lose the instance of a job that was asked to stop: the leader concludes it."""
    run = running()
    stopping.stop(run.id)
    losses.ended((run.id, run.key.epoch), cause=Cause.LEASE_EXPIRED, detail="gone")
    return run.id


def left_to_the_leader() -> str:
    """Stop a job in a process that dies before it concludes the end."""
    (job,) = bound()
    terminations.stop([job.id])
    aftermath.sweep()
    return job.id


def taken_back() -> str:
    """Stop a job that its instance received and gave back."""
    (job,) = bound()
    requeue.recall_from(HERE, [job.topic], cause=Cause.REFUSED)
    stopping.stop(job.id)
    return job.id


def late() -> str:
    """Let the time of a received job pass before it begins."""
    (job,) = bound(expires_in=60.0)
    age([job.id], "expires_at", seconds=120)
    aftermath.conclude_all([change.job_id for change in terminations.expire()])
    return job.id


WAYS: dict[str, tuple[Callable[[], str], str, dict[str, object]]] = {
    "bound": (stopped_while_bound, HERE, {}),
    "by itself": (stopped_by_itself, HERE, {}),
    "killed": (killed, HERE, {"terminated": True, "signum": "SIGKILL"}),
    "lost": (lost, HERE, {}),
    "left to the leader": (left_to_the_leader, HERE, {}),
    "taken back": (taken_back, THERE, {}),
    "late": (late, HERE, {"expired": True}),
}


@pytest.mark.parametrize(("end", "host", "said"), WAYS.values(), ids=WAYS)
def test_a_job_that_ends_by_request_is_told_once_as_revoked(
    ears: Ears, end: Callable[[], str], host: str, said: dict[str, object]
) -> None:
    job_id = end()
    aftermath.sweep()

    (event,) = ears.revoked()

    assert row(job_id).job_state in celery_events.REVOKED_STATES
    expected = {"terminated": False, "signum": None, "expired": False, **said}
    assert {name: event[name] for name in expected} == expected
    assert (event["uuid"], event["hostname"]) == (job_id, host)
    assert ears.state.tasks[job_id].state == "REVOKED"


def test_a_job_that_no_instance_ever_had_is_not_told(ears: Ears) -> None:
    (job_id,) = waiting()

    stopping.stop(job_id)

    assert ears.revoked() == []


def test_a_job_that_did_its_work_all_the_same_is_not_told(ears: Ears) -> None:
    run = running()
    stopping.stop(run.id)

    endings.succeed(run.ending, 1)
    aftermath.sweep()

    assert ears.revoked() == []


def test_an_end_that_is_rolled_back_is_not_told(ears: Ears) -> None:
    (job,) = bound()

    with database.atomic():
        stopping.stop(job.id)
        transaction.set_rollback(True, using=database.alias())

    assert ears.revoked() == []


def test_a_broker_that_is_away_keeps_no_job_from_its_end(
    ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(EventDispatcher, "publish", fail)
    first, second = bound(2)

    stopping.stop(first.id)
    assert current_installation.to_broker.is_open
    stopping.stop(second.id)

    assert set(Job.objects.values_list("state", flat=True)) == {"STOPPED"}


def test_an_instance_that_nobody_knows_is_not_named(ears: Ears) -> None:
    (job,) = bound()
    Job.objects.filter(pk=job.id).update(instance="tests@here")

    stopping.stop(job.id)

    assert [one["hostname"] for one in ears.revoked()] == [THERE]
