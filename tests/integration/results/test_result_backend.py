"""Results that the backend sends to the submitter: they arrive at the right place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError

from offload.canvas import hooks
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.jobs import aftermath, endings, stopping
from offload.messaging import installation
from offload.models import Job
from offload.operations.handles import retry
from offload.operations.submission import submit, submit_many
from offload.results import result_backend, task_results
from offload.tracking import claiming
from offload.tracking.binding.bindings import bind
from offload.worker.tasks.task import OffloadTask
from tests.apps import forget_consumers
from tests.integration.world import (
    BROKE,
    LANE,
    TASK,
    TOPIC,
    Running,
    join,
    key_of,
    place,
    row,
    statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVEN_UP = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=1, crashes=0, reason="enough")


@pytest.fixture
def replies(app: Celery) -> Iterator[Celery]:
    """Install an app whose results are sent to who submitted."""
    other = Celery("replies", broker="memory://", backend="rpc://", set_as_current=False)
    hooks.install(other)
    forget_consumers(other)
    installation.remember(other, module=__name__)
    task_results.in_transaction.cache_clear()
    yield other
    task_results.in_transaction.cache_clear()


def begun() -> Running:
    """Bind and begin the job that waits."""
    key = key_of(bind(place(), [LANE], limit=1)[0])
    claimed = claiming.claim(key)
    assert claimed is not None
    return Running(key=key, claimed=claimed)


def begun_here() -> Running:
    """Begin the only job, after an instance has joined."""
    join()
    return begun()


def test_a_submitted_jobs_result_is_sent_to_its_submitter(replies: Celery) -> None:
    job = submit(TOPIC)

    endings.succeed(begun_here().ending, {"width": 1280})

    assert replies.AsyncResult(job.id).get(timeout=5) == {"width": 1280}
    assert job.row.aftermath_due is False


def test_an_error_is_sent_too(replies: Celery) -> None:
    job = submit(TOPIC)

    endings.fail(begun_here().ending, GIVEN_UP, BROKE)

    with pytest.raises(ValueError, match="no"):
        replies.AsyncResult(job.id).get(timeout=5)


def test_a_job_that_ends_without_a_run_replies_as_well(replies: Celery) -> None:
    job = submit(TOPIC)

    stopping.stop(job.id)
    aftermath.sweep()

    with pytest.raises(TaskRevokedError):
        replies.AsyncResult(job.id).get(timeout=5)


def test_a_reply_that_could_not_be_sent_is_sent_by_the_sweep(
    replies: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(TOPIC)
    with monkeypatch.context() as patch:
        patch.setattr(result_backend, "store", _away)
        endings.succeed(begun_here().ending, 3)

    assert aftermath.sweep() == 1

    assert replies.AsyncResult(job.id).get(timeout=5) == 3


def test_the_place_for_the_reply_is_there_before_the_job(
    replies: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_when_declared: list[bool] = []
    backend = type(replies.backend)
    declare = backend.on_task_call

    def note(self: Any, producer: object, task_id: str) -> None:
        stored_when_declared.append(bool(task_id and Job.objects.filter(pk=task_id).exists()))
        declare(self, producer, task_id)

    monkeypatch.setattr(backend, "on_task_call", note)
    task = replies.register_task(_task())

    submit_many(TOPIC, [{}, {}])
    task.apply_async()

    assert stored_when_declared == [False, False]


def test_where_results_are_kept_nothing_is_frozen_and_nothing_asked(app: Celery) -> None:
    with statements() as sent:
        job = submit(TOPIC)

    assert row(job.id).options == {}
    assert not [one for one in sent if "celery" in one.lower()]


def test_who_wants_no_result_gets_no_reply(replies: Celery) -> None:
    assert row(submit(TOPIC, ignore_result=True).id).options == {"ignore_result": True}


def test_a_backend_that_cannot_be_made_keeps_no_job_back(
    replies: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Celery, "backend", property(_away))

    assert submit(TOPIC).row.options == {}


def _task() -> OffloadTask:
    class Render(OffloadTask):
        name = TASK
        topic = TOPIC

    return Render()


def _away(*_: object) -> None:
    raise ConnectionError("away")


def test_the_result_of_a_retry_is_sent_to_who_retries(replies: Celery) -> None:
    job = submit(TOPIC)
    endings.fail(begun_here().ending, GIVEN_UP, BROKE)
    Job.objects.filter(pk=job.id).update(options={"reply_to": "somebody-else"})

    again = retry(job.id)

    assert row(again.id).options == {"reply_to": replies.thread_oid}
