"""Which errors are retried, as queues and consumers say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.outcomes import Failed
from offload.core.states import JobState
from offload.core.validation.bounds import YEAR_SECONDS
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue
from offload.testing import run_jobs
from offload.worker.pool.outcome import outcome_of
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

ERRORS = {"KeyError": KeyError, "ValueError": ValueError}


def broken(*_: Any, kind: str = "ValueError", **__: Any) -> None:
    """Fail each time."""
    raise ERRORS[kind](kind)


@pytest.fixture(autouse=True)
def _tasks(app: Celery) -> Iterator[None]:
    define(app, broken, name="tests.broken", base=ConsumerTask, topic="broken/any")
    define(
        app, broken, name="tests.own", base=ConsumerTask, topic="broken/own",
        retry_on=[ValueError], rerun=False,
    )  # fmt: skip
    Queue.objects.create(
        name="picky", topics=["broken/**"], retries=2, retry_delay=0,
        retry_on=["LookupError"], no_retry_on=["IndexError"],
    )  # fmt: skip
    snapshot(fresh=True)
    yield
    for name in ("tests.broken", "tests.own"):
        app.tasks.pop(name)


@pytest.mark.parametrize(
    ("topic", "kind", "state", "attempts"),
    [
        # By a class that it inherits from.
        ("broken/any", "KeyError", JobState.GIVEN_UP, 3),
        ("broken/any", "ValueError", JobState.ERROR, 1),
        # The consumer's list in place of the queue's.
        ("broken/own", "KeyError", JobState.ERROR, 1),
        ("broken/own", "ValueError", JobState.GIVEN_UP, 3),
    ],
)
def test_a_list_says_which_errors_are_retried(
    topic: str, kind: str, state: JobState, attempts: int
) -> None:
    job = offload.submit(topic, {"kind": kind})

    run_jobs()

    assert (job.state, job.row.attempts) == (state, attempts)


def test_the_claim_stores_that_a_consumer_does_not_run_again() -> None:
    own, other = offload.submit("broken/own"), offload.submit("broken/any")

    run_jobs()

    assert dict(Job.objects.values_list("pk", "reruns")) == {own.id: False, other.id: True}


def test_what_names_no_exception_is_refused() -> None:
    for wrong in (["a b"], [int], "KeyError", [None]):
        with pytest.raises(offload.InvalidErrorName, match="names no exception"):
            offload.consumer("broken/other", retry_on=wrong)  # type: ignore[arg-type]


class Busy(Exception):
    """As libraries have it that know when to come again."""

    def __init__(self, retry_after: object) -> None:
        self.retry_after = retry_after


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (offload.RetryLater(delay=90), 90),
        (offload.RetryLater("later", delay=timedelta(minutes=2)), 120),
        (Busy(1.5), 1.5),
        (Busy(-5), 0),
        (Busy(float("inf")), YEAR_SECONDS),
        (Busy("soon"), None),
        (Busy(True), None),
        (ValueError("no"), None),
    ],
)
def test_an_error_says_when_to_try_again(error: Exception, delay: float | None) -> None:
    def run() -> None:
        raise error

    outcome, _ = outcome_of(run, lambda value: value)

    assert isinstance(outcome, Failed)
    assert (outcome.delay, outcome.final) == (delay, False)
