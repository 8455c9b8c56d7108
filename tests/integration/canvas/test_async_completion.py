"""Handed-over jobs in canvases: their successors wait for the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord

import offload
from offload.core.exceptions import StaleAttempt
from offload.core.states import JobState
from offload.models import Job
from offload.signals import stale_attempt
from offload.testing import run_jobs
from offload.worker.tasks.current_job import current_job
from offload.worker.tasks.task import OffloadTask
from tests.integration.driving.fixtures import BACKENDS
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.tasks import Named

on_every_backend = pytest.mark.parametrize("app", BACKENDS, indirect=True)


@pytest.fixture
def tokens(app: Celery, job: Named) -> Iterator[list[str]]:
    """Return the tokens that the job ``jobs.farm`` gave away, the first one first."""
    found: list[str] = []

    def farm(*_: Any, then: str = "") -> object:
        token = current_job().hand_over(timeout=60)
        found.append(token)
        if then == "complete":
            offload.complete(token, "fast")
        if then == "raise":
            raise ValueError("not handed over after all")
        return object()

    define(app, farm, name="jobs.farm", base=OffloadTask, topic="jobs/farm")
    yield found
    app.tasks.pop("jobs.farm")


@on_every_backend
def test_a_chain_goes_on_with_what_its_token_was_completed_with(
    app: Celery, job: Named, tokens: list[str]
) -> None:
    result = chain(job.add.s(1, 2), job.farm.s(), job.add.s(4)).apply_async()
    run_jobs()
    assert Job.objects.get(topic="jobs/farm").is_handed_over
    assert not Job.objects.filter(pk=result.id).exists()

    offload.complete(tokens[0], 10)
    run_jobs()

    assert app.AsyncResult(result.id).get(timeout=1) == 14
    assert app.AsyncResult(Job.objects.get(topic="jobs/farm").pk).get(timeout=1) == 10


@on_every_backend
def test_a_chord_waits_for_all_tokens_of_its_header(
    app: Celery, job: Named, tokens: list[str]
) -> None:
    result = chord([job.farm.s(), job.farm.s(), job.add.s(1, 2)], job.total.s()).apply_async()
    run_jobs()
    offload.complete(tokens[0], 10)
    run_jobs()
    assert not Job.objects.filter(pk=result.id, state=JobState.SUCCEEDED).exists()

    offload.complete(tokens[1], 20)
    run_jobs()

    assert app.AsyncResult(result.id).get(timeout=1) == 33


def test_a_chain_ends_with_a_failure_outside(job: Named, tokens: list[str]) -> None:
    result = chain(job.farm.s(), job.add.s(4)).apply_async()
    run_jobs()

    offload.fail(tokens[0], "the farm burns", retry=False)

    assert Job.objects.get(pk=result.id).state == JobState.ERROR


def test_an_end_before_the_consumer_has_returned_is_the_end(
    app: Celery, job: Named, tokens: list[str]
) -> None:
    told: list[object] = []

    def note(**facts: object) -> None:
        told.append(facts)

    stale_attempt.connect(note)
    result = chain(job.farm.s(then="complete"), job.add.s("er")).apply_async()

    run_jobs()

    stale_attempt.disconnect(note)
    assert app.AsyncResult(result.id).get(timeout=1) == "faster"
    assert told == []


def test_the_token_of_a_run_that_raised_is_worth_nothing(
    app: Celery, job: Named, tokens: list[str]
) -> None:
    result = job.farm.delay(then="raise")
    run_jobs()

    with pytest.raises(StaleAttempt):
        offload.complete(tokens[0], 1)

    with pytest.raises(ValueError, match="not handed over"):
        app.AsyncResult(result.id).get(timeout=1)
