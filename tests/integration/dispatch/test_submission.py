"""Submitting: everything is checked and stored at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.exceptions import (
    InvalidDelay,
    InvalidName,
    InvalidPriority,
    InvalidProperties,
    InvalidTopic,
    MissingFile,
    UnknownQueue,
)
from offload.core.states import JobState
from offload.dispatch.submission import new_id
from offload.models import Job, Payload, Queue
from offload.tracking.drafts import ROWS_PER_STATEMENT, Draft, insert
from tests.integration.dispatch.stored import files
from tests.integration.world import LANE, TOPIC, row, waiting

if TYPE_CHECKING:
    from pathlib import Path


def test_a_job_is_stored_as_it_was_submitted(database_alias: str) -> None:
    job = offload.submit(
        TOPIC, {"width": 1280, "names": ["é", None]}, priority=7, delay=60, expires=90,
        ignore_result=True,
    )  # fmt: skip

    found = row(job.id)

    assert (found.topic, found.queue, found.lane) == (TOPIC, "default", str(LANE))
    assert found.properties == {"width": 1280, "names": ["é", None]}
    assert (found.args, found.options) == ([], {"ignore_result": True})
    assert (found.state, found.kind, found.priority) == (JobState.PENDING, "job", 7)
    assert found.run_at is not None
    assert found.expires_at is not None
    assert _about(found.run_at, seconds=60)
    assert _about(found.expires_at, seconds=90)


def test_what_a_submitter_leaves_out_has_its_default() -> None:
    found = row(offload.submit(TOPIC).id)

    assert (found.properties, found.args, found.options, found.tail) == ({}, [], {}, None)
    assert (found.priority, found.epoch, found.attempts, found.hold) == (0, 0, 0, "")
    assert (found.run_at, found.expires_at, found.finished_at) == (None, None, None)
    assert (found.instance, found.stop_requested, found.aftermath_due) == ("", False, False)
    assert _about(found.created_at, seconds=0)


def test_ids_sort_in_the_order_of_submission() -> None:
    ids = [new_id() for _ in range(2000)]

    assert all(first < second for first, second in pairwise(ids))


def test_jobs_of_one_call_keep_their_order(database_alias: str) -> None:
    jobs = offload.submit_many(TOPIC, [{"n": n} for n in range(20)])

    stored = Job.objects.order_by("created_at", "id")

    assert [job.pk for job in stored] == [job.id for job in jobs]
    assert [job.properties["n"] for job in stored] == list(range(20))


def test_a_lane_is_queue_and_need_and_topic() -> None:
    job = row(waiting(queue="slow", needs="limit")[0])

    assert job.lane == f"slow|limit|{TOPIC}"


def test_a_topic_gets_the_queue_whose_pattern_fits_it() -> None:
    Queue.objects.create(name="renditions", topics=["dam/rendition/*"])
    Queue.objects.create(name="everything", topics=["dam/**"])

    job = offload.submit(TOPIC)

    assert row(job.id).queue == "renditions"


def test_a_queue_that_was_made_a_moment_ago_can_be_asked_for() -> None:
    offload.submit(TOPIC)
    Queue.objects.create(name="new", topics=["other"])

    assert row(offload.submit(TOPIC, queue="new").id).queue == "new"


def test_an_id_that_is_known_is_left_alone() -> None:
    draft = Draft(id="given", topic=TOPIC, properties={"first": True})

    assert insert([draft]) == ["given"]
    assert insert([Draft(id="given", topic="other"), Draft(id="b", topic="b")]) == ["b"]
    assert row("given").properties == {"first": True}


def test_more_jobs_than_one_statement_holds_are_all_stored() -> None:
    jobs = offload.submit_many(TOPIC, ({"n": n} for n in range(ROWS_PER_STATEMENT + 50)), delay=60)

    assert len({job.id for job in jobs}) == ROWS_PER_STATEMENT + 50
    assert Job.objects.count() == ROWS_PER_STATEMENT + 50


BAD: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "topic": (InvalidTopic, {"topic": "dam//web"}),
    "pattern as topic": (InvalidTopic, {"topic": "dam/*"}),
    "no JSON": (InvalidProperties, {"properties": {"when": object()}}),
    "not a number": (InvalidProperties, {"properties": {"n": float("nan")}}),
    "too large": (InvalidProperties, {"properties": {"text": "x" * 300_000}}),
    "negative delay": (InvalidDelay, {"delay": -1}),
    "endless delay": (InvalidDelay, {"delay": float("inf")}),
    "negative expiry": (InvalidDelay, {"expires": -0.5}),
    "delay of ages": (InvalidDelay, {"delay": 3e11}),
    "expiry of ages": (InvalidDelay, {"expires": 10 * 365 * 86_400 + 1}),
    "high priority": (InvalidPriority, {"priority": 99_999}),
    "low priority": (InvalidPriority, {"priority": -32_769}),
    "priority of text": (InvalidPriority, {"priority": "high"}),
    "unknown queue": (UnknownQueue, {"queue": "nowhere"}),
    "name with dots": (InvalidName, {"files": {"ok": b"1", "..": b"2"}}),
    "absolute name": (InvalidName, {"files": {"ok": b"1", "/a/b": b"2"}}),
    "names that clash": (InvalidName, {"files": {"ok": b"1", "OK": b"2"}}),
    "name with NUL": (InvalidName, {"files": {"ok": b"1", "a\0b": b"2"}}),
    "long name": (InvalidName, {"files": {"ok": b"1", "ü" * 128: b"2"}}),
    "missing file": (MissingFile, {"files": {"ok": b"1", "b": "/nowhere/at/all"}}),
}


def test_the_longest_delay_and_the_highest_priority_are_stored() -> None:
    job_id = offload.submit(TOPIC, delay=10 * 365 * 86_400, priority=32_767).id

    found = row(job_id)
    assert found.priority == 32_767
    assert found.run_at is not None
    assert _about(found.run_at, seconds=10 * 365 * 86_400)


@pytest.mark.parametrize(("error", "arguments"), BAD.values(), ids=BAD)
def test_bad_input_is_named_and_leaves_nothing(
    error: type[Exception], arguments: dict[str, Any], media: Path
) -> None:
    with pytest.raises(error):
        offload.submit(**{"topic": TOPIC, "files": {"ok": b"1"}, **arguments})

    assert not Job.objects.exists()
    assert not Payload.objects.exists()
    assert files(media) == []


def _about(time: datetime, *, seconds: float) -> bool:
    return abs(time - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=20)
