"""Public calls: accepted arguments, and the errors for others."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import offload
from offload.core.exceptions import InvalidDelay, InvalidId, InvalidNumber, NotRetriable, UnknownJob
from offload.core.states import JobState
from offload.models import Job
from offload.operations.handles import JobHandle
from tests.integration.world import TOPIC, join

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


WAYS: list[Any] = [
    pytest.param(lambda job: job, id="handle"),
    pytest.param(lambda job: job.id, id="text"),
    pytest.param(lambda job: UUID(job.id), id="uuid"),
    pytest.param(lambda job: job.row, id="row"),
    pytest.param(lambda job: SimpleNamespace(id=job.id), id="result"),
]


@pytest.mark.parametrize("named", WAYS)
def test_every_call_takes_a_handle_or_an_id(named: Callable[[JobHandle], Any]) -> None:
    stopped, removed, kept = (offload.submit(TOPIC, delay=3600) for _ in range(3))

    assert offload.stop(named(stopped)) == JobState.STOPPED
    assert offload.remove(named(removed)) == JobState.DROPPED
    assert offload.retry(named(stopped)).row.retry_of_id == stopped.id
    assert offload.JobHandle(named(kept)) == kept


#: Forms of the UUID that an id is.
FORMS: list[Any] = [
    pytest.param(lambda one: one.replace("-", ""), id="hex"),
    pytest.param(str.upper, id="upper case"),
    pytest.param(lambda one: f"{{{one}}}", id="braces"),
    pytest.param(lambda one: f"urn:uuid:{one}", id="urn"),
    pytest.param(lambda one: f" {one}\n", id="pasted"),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_its_uuid_names_a_job(form: Callable[[str], str]) -> None:
    stopped, removed, kept = (offload.submit(TOPIC, delay=3600) for _ in range(3))

    assert offload.stop(form(stopped.id)) == JobState.STOPPED
    assert offload.remove(form(removed.id)) == JobState.DROPPED
    assert offload.retry(form(stopped.id)).row.retry_of_id == stopped.id
    handle = offload.JobHandle(form(kept.id))
    assert (handle.row.pk, handle.explain().topic) == (kept.id, TOPIC)
    assert offload.explain(UUID(kept.id)).sentence == kept.explain().sentence


def test_an_id_that_was_chosen_in_another_form_is_the_one_that_is_named() -> None:
    usual = offload.submit(TOPIC, delay=3600).row
    chosen = usual.pk.replace("-", "")
    Job.objects.filter(pk=offload.submit(TOPIC, delay=3600).id).update(id=chosen)

    assert offload.stop(chosen) == JobState.STOPPED
    assert offload.JobHandle(usual.pk).state == JobState.PENDING
    assert offload.JobHandle(chosen.upper()).state == JobState.PENDING


def test_a_part_of_a_uuid_and_what_is_none_name_no_job() -> None:
    kept = offload.submit(TOPIC, delay=3600)

    for text in (kept.id[:-1], kept.id.replace("-", "", 1), f"{{{kept.id}", f"{kept.id}a"):
        with pytest.raises(UnknownJob):
            _ = offload.JobHandle(text).row


def test_a_handle_does_what_the_calls_do() -> None:
    job = offload.submit(TOPIC, delay=3600)

    assert job.explain().topic == TOPIC
    assert offload.explain(job).sentence == job.explain().sentence
    assert job.stop(force=True) == JobState.STOPPED
    assert job.retry().remove() == JobState.DROPPED


BAD_IDS = [7, None, b"x", [1], {}, 1.5, "", "a\0b", "\ud800", "x" * 256, object()]


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda one: repr(one)[:20])
@pytest.mark.parametrize(
    "call", [offload.stop, offload.retry, offload.remove, JobHandle], ids=lambda one: one.__name__
)
def test_what_names_no_job_is_refused_with_what_to_pass(call: Any, bad: Any) -> None:
    with pytest.raises(InvalidId, match="Pass the handle"):
        call(bad)


@pytest.mark.parametrize("call", [offload.stop, offload.retry, offload.remove])
def test_an_id_that_nothing_has_is_unknown(call: Any) -> None:
    with pytest.raises(UnknownJob):
        call("nobody")


def test_times_may_be_durations() -> None:
    job = offload.submit(TOPIC, delay=timedelta(hours=1), expires=timedelta(hours=2)).row

    assert job.run_at is not None
    assert job.expires_at is not None
    assert abs(job.expires_at - job.run_at - timedelta(hours=1)) < timedelta(seconds=1)


@pytest.mark.parametrize("timeout", ["x", -1, float("nan"), [1], True, timedelta(days=-1)])
def test_a_time_to_wait_is_a_time(timeout: Any) -> None:
    job = offload.submit(TOPIC, delay=3600)

    for wait in (job.wait, job.result):
        with pytest.raises(InvalidDelay, match="is not a timeout"):
            wait(timeout)


def test_a_job_that_waits_is_not_retried_and_says_why() -> None:
    job = offload.submit(TOPIC, delay=3600)

    with pytest.raises(NotRetriable, match="It has not ended, it is PENDING; stop it first"):
        job.retry()


@pytest.mark.parametrize("ranking", ["x", 1.5, None, 10**9, True])
def test_a_ranking_is_a_whole_number(ranking: Any) -> None:
    with pytest.raises(InvalidNumber, match="`ranking`"):
        offload.consumer("dam/x", ranking=ranking)
