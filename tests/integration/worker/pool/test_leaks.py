"""Runs that leave their database session in disorder, and the runs after them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, transaction

import offload
from offload.core.exceptions import JobFailed, OpenTransaction
from offload.db import database
from offload.models import Job, Payload, Queue
from offload.testing import run_jobs
from offload.worker.pool.outcome import info
from offload.worker.tasks.task import ConsumerTask
from tests.databases import on_postgresql
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

pytestmark = pytest.mark.usefixtures("leaking")


def leave(job: Any, *, what: str, fails: bool = False) -> str:
    """Leave the session in disorder."""
    Payload.objects.create(id=f"kept-{job.attempt}")
    if what == "block":
        transaction.atomic(using=database.alias()).__enter__()
    elif what == "autocommit":
        transaction.set_autocommit(False, using=database.alias())
    elif what == "swallowed":
        with transaction.atomic(using=database.alias(), savepoint=False):
            Payload.objects.create(id=f"lost-{job.attempt}")
            transaction.set_rollback(True, using=database.alias())
        return "well"
    elif what == "statement":
        with pytest.raises(DatabaseError):
            database.execute("SELECT * FROM nowhere")
        return "well"
    Payload.objects.create(id=f"lost-{job.attempt}")
    if fails:
        raise ValueError("no")
    return "well"


def fine(job: Any) -> str:
    """Return something."""
    return "fine"


@pytest.fixture
def leaking(app: Celery) -> Iterator[None]:
    """Give the app a consumer that leaks, tried twice, and one that does not."""
    for function in (leave, fine):
        name = function.__name__
        define(app, function, name=f"tests.{name}", base=ConsumerTask, pattern=name, topic=name)
    Queue.objects.create(name="leave", topics=["leave"], retries=1)
    yield
    for function in (leave, fine):
        app.tasks.pop(f"tests.{function.__name__}")


@pytest.fixture
def as_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run jobs as a worker's process does, to which its connections belong."""
    monkeypatch.setattr("offload.testing.as_guest", nullcontext)


def rows(prefix: str) -> int:
    """Return how many rows a run has left."""
    return Payload.objects.filter(pk__startswith=prefix).count()


@pytest.mark.usefixtures("as_worker")
@pytest.mark.parametrize("what", ["block", "autocommit"])
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "raises"])
def test_a_run_that_leaves_a_transaction_open_fails_and_harms_no_other(
    what: str, fails: bool
) -> None:
    leaking = offload.submit("leave", {"what": what, "fails": fails})
    others = offload.submit_many("fine", [{}, {}])

    run_jobs()

    row = leaking.row
    assert (row.state, row.attempts, row.failures, row.crashes) == ("GIVEN_UP", 2, 2, 0)
    assert "left a transaction open" in row.error
    assert "left a transaction open" in row.traceback
    assert row.error_type == (
        "builtins.ValueError" if fails else "offload.core.exceptions.runtime.OpenTransaction"
    )
    assert [one.cause for one in row.ended_attempts.all()] == ["failed"]
    assert [other.result(0) for other in others] == ["fine", "fine"]
    assert (rows("kept"), rows("lost")) == (2, 0)


@pytest.mark.usefixtures("as_worker")
def test_a_job_that_asks_to_be_retried_keeps_its_retry_and_says_what_it_left(app: Celery) -> None:
    def again(self: Any) -> str:
        if self.request.retries:
            return "well"
        transaction.atomic(using=database.alias()).__enter__()
        raise self.retry(countdown=0)

    task = define(
        app, again, name="tests.again", base=offload.OffloadTask, topic="again", bind=True
    )
    job = offload.JobHandle(task.delay().id)

    run_jobs()

    assert job.result(0) == "well"
    [attempt] = job.row.ended_attempts.all()
    assert "left a transaction open" in attempt.error
    app.tasks.pop("tests.again")


def test_the_transaction_of_a_test_survives_what_its_jobs_leave_open() -> None:
    with database.atomic():
        leaking = offload.submit("leave", {"what": "block"})
        other = offload.submit("fine")

        run_jobs()

        with pytest.raises(JobFailed, match="left a transaction open"):
            leaking.result(0)
        assert other.result(0) == "fine"
        assert len(database.connection().atomic_blocks) == 1
        transaction.set_rollback(True, using=database.alias())
    assert not Job.objects.exists()


@pytest.mark.parametrize("what", ["statement", "swallowed"])
def test_the_transaction_of_a_test_goes_on_where_a_job_broke_it(what: str) -> None:
    with database.atomic():
        broken = offload.submit("leave", {"what": what})

        run_jobs()

        assert broken.result(0) == "well"
        assert Job.objects.count() == 1
        assert rows("lost") == 0


@on_postgresql
def test_a_run_in_a_test_that_breaks_nothing_keeps_what_it_wrote() -> None:
    with database.atomic():
        offload.submit("leave", {"what": "nothing"})

        run_jobs()

        assert rows("lost") == 1


def test_settings_of_a_session_are_left_to_the_test() -> None:
    before = database.connection().connection
    offload.submit("fine")

    run_jobs()

    assert database.connection().connection is before


def test_an_open_transaction_says_what_to_do() -> None:
    assert "Write 'with transaction" in info(OpenTransaction(left={"default": "x"})).message
