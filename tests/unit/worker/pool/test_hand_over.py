"""Runs that hand their job over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from celery.exceptions import Ignore

from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import InvalidDelay
from offload.core.outcomes import Failed, HandedOver
from offload.core.tokens import new_secret, read
from offload.worker.pool.outcome import outcome_of
from offload.worker.tasks.current_job import CurrentJob, running
from tests.unit.worker.pool.runs import came_to

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def job() -> Iterator[CurrentJob]:
    """Return the job that runs here."""
    key = AttemptKey.by(new_secret(), job_id="a", epoch=3)
    facts: Any = {"id": "a", "topic": "a/b", "epoch": 3, "attempt": 1, "instance": "w@host"}
    with running(CurrentJob(attempt_key=key, claimed=cast("Any", None), **facts)) as job:
        yield job


def test_a_job_is_handed_over_whatever_its_function_returns(job: CurrentJob) -> None:
    def run() -> object:
        job.hand_over(timeout=7)
        return object()

    def encode(value: object) -> None:
        raise TypeError("not JSON")

    assert outcome_of(run, encode) == (HandedOver(timeout=7), None)


def test_a_run_that_hands_over_and_wants_no_result_kept_hands_over(job: CurrentJob) -> None:
    job.hand_over(timeout=7)

    assert came_to(Ignore()) == HandedOver(timeout=7)


def test_a_run_that_hands_over_and_raises_has_failed(job: CurrentJob) -> None:
    job.hand_over()

    assert isinstance(came_to(ValueError("no")), Failed)


def test_a_token_is_the_key_of_its_run_however_often_it_is_asked_for(job: CurrentJob) -> None:
    tokens = {job.hand_over(timeout=7), job.hand_over(timeout=8)}

    assert [read(token) for token in tokens] == [("a", 3, job.attempt_key.secret)]
    assert job.handed_over_for == 8


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "7", None, True])
def test_a_time_to_hand_over_for_is_checked_at_once(job: CurrentJob, timeout: Any) -> None:
    with pytest.raises(InvalidDelay):
        job.hand_over(timeout)

    assert job.handed_over_for is None
