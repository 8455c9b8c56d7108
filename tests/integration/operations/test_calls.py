"""Public calls: what they take, and what they say of what they do not."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest

import offload
from offload.core.exceptions import (
    InvalidDelay,
    InvalidFile,
    InvalidId,
    InvalidName,
    InvalidNumber,
    InvalidPriority,
    InvalidProperties,
    InvalidTopic,
    MissingFile,
    NotRetriable,
    OffloadError,
    StaleAttempt,
    UnknownJob,
    UnknownQueue,
)
from offload.core.states import JobState
from offload.jobs import async_completion, endings
from offload.models import Job
from offload.operations.handles import JobHandle
from tests.integration.world import TOPIC, join, running
from tests.parameters import without_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

#: Named so that they are no file of this folder.
TEXT_FILE = Path(__file__)


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


class Unread:
    """A file that gives numbers."""

    def read(self, size: int) -> int:
        return 7


BAD_SUBMITS: list[tuple[type[OffloadError], dict[str, Any]]] = [
    (InvalidTopic, {"topic": 7}),
    (InvalidTopic, {"topic": None}),
    (InvalidProperties, {"properties": [1]}),
    (InvalidProperties, {"properties": "a"}),
    (InvalidProperties, {"properties": {"a": {1}}}),
    (InvalidFile, {"files": ["photo.jpg"]}),
    (InvalidFile, {"files": {"a": None}}),
    (InvalidFile, {"files": {"a": 7}}),
    (InvalidFile, {"files": {"a": ["x"]}}),
    (InvalidFile, {"files": {"a": Unread()}}),
    (InvalidFile, {"files": {"a": io.StringIO("text")}}),
    (InvalidName, {"files": {7: b"x"}}),
    (MissingFile, {"files": {"a": "a\0b"}}),
    (UnknownQueue, {"queue": 7}),
    (UnknownQueue, {"queue": "a\0b"}),
    (UnknownQueue, {"queue": ["default"]}),
    (InvalidPriority, {"priority": "high"}),
    (InvalidPriority, {"priority": None}),
    (InvalidDelay, {"delay": "soon"}),
    (InvalidDelay, {"delay": timedelta(days=-1)}),
    (InvalidDelay, {"expires": timedelta.max}),
    (InvalidDelay, {"expires": float("nan")}),
]


@pytest.mark.parametrize(("error", "options"), BAD_SUBMITS, ids=without_addresses)
def test_what_cannot_be_submitted_is_refused_and_leaves_nothing(
    error: type[OffloadError], options: dict[str, Any]
) -> None:
    with pytest.raises(error) as told:
        offload.submit(**{"topic": TOPIC, **options})

    assert ". " in str(told.value)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a": "/proc"}, "The file 'a' cannot be taken: '/proc' is a folder. Pass its files one"),
        ({"a": "/dev/null"}, "'/dev/null' is no regular file. Open it for reading bytes"),
        (["a"], "^`files` cannot be taken: it is of type list. Pass a dict of names"),
    ],
    ids=without_addresses,
)
def test_what_is_no_file_is_told_by_what_it_is(files: Any, told: str) -> None:
    with pytest.raises(InvalidFile, match=told):
        offload.submit(TOPIC, files=files)


def test_retries_that_are_no_number_of_them_are_told_what_is_one() -> None:
    with pytest.raises(InvalidNumber, match=r"from -1 to 1,000,000 \(-1 is without end\)"):
        offload.submit(TOPIC, retries=-2)


def test_a_file_that_was_opened_as_text_is_refused() -> None:
    with TEXT_FILE.open() as text, pytest.raises(InvalidFile, match="'rb'"):
        offload.submit(TOPIC, files={"a": cast("Any", text)})


@pytest.mark.parametrize("many", [None, 7, "ab", {"a": 1}, [[1]], [None]], ids=without_addresses)
def test_what_is_no_list_of_properties_is_refused(many: Any) -> None:
    with pytest.raises(InvalidProperties):
        offload.submit_many(TOPIC, many)

    assert not Job.objects.exists()


def test_a_term_that_there_is_not_is_named_by_the_call_that_was_made() -> None:
    with pytest.raises(TypeError, match=r"submit_many\(\).*'prio'"):
        offload.submit_many(TOPIC, [{}], prio=1)  # type: ignore[call-arg]


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


def handed(value: object = None) -> tuple[Any, str]:
    run = running()
    assert endings.hand_over(run.ending, 3600) is JobState.ACTIVE
    return run, async_completion.token_of(run.key)


@pytest.mark.parametrize("value", [None, 7, {"a": [1, None]}, float("nan"), "x" * 100])
def test_who_lost_the_answer_to_an_end_may_ask_again(value: object) -> None:
    run, token = handed()

    offload.complete(token, value)
    offload.complete(token, value)
    with pytest.raises(StaleAttempt):
        offload.complete(token, "other")
    with pytest.raises(StaleAttempt):
        offload.fail(token, "no")

    assert run.row.state == JobState.SUCCEEDED


def test_who_lost_the_answer_to_a_failure_may_ask_again() -> None:
    run, token = handed()

    offload.fail(token, "no licence", retry=False)
    offload.fail(token, "no licence", retry=False)
    with pytest.raises(StaleAttempt):
        offload.fail(token, "another", retry=False)
    with pytest.raises(StaleAttempt):
        offload.complete(token, 7)

    assert (run.row.state, run.row.failures) == (JobState.ERROR, 1)


def test_any_message_of_a_failure_is_kept_as_text() -> None:
    run, token = handed()

    offload.fail(token, 7, retry=False)  # type: ignore[arg-type]

    assert run.row.error == "7"
