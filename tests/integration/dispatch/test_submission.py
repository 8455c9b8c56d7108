"""Submitting: everything is checked, stored at once, and offered after the commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DataError, connections, transaction

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
from offload.dispatch import dispatching
from offload.dispatch.submission import new_id
from offload.messaging.publisher import breaker
from offload.models import Job, Payload, PayloadFile, Queue
from offload.tracking.drafts import ROWS_PER_STATEMENT, Draft, insert
from offload.tracking.queries import loads_by_instance
from tests.databases import on_postgresql
from tests.integration.world import HERE, LANE, TOPIC, Broker, join, row, states, waiting

if TYPE_CHECKING:
    from pathlib import Path


class RolledBack(Exception):
    """The transaction of a test is rolled back."""


def test_a_job_is_stored_as_it_was_submitted(engine_database: str) -> None:
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


def test_jobs_of_one_call_keep_their_order(engine_database: str) -> None:
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


def test_of_many_jobs_all_are_stored_or_none() -> None:
    many = (
        {"n": n} if n < ROWS_PER_STATEMENT + 20 else {"n": object()}
        for n in range(ROWS_PER_STATEMENT + 50)
    )

    with pytest.raises(InvalidProperties):
        offload.submit_many(TOPIC, many)

    assert not Job.objects.exists()


def test_a_statement_that_fails_takes_the_ones_before_it_along(engine_database: str) -> None:
    many = [{"n": n} for n in range(ROWS_PER_STATEMENT + 50)]

    def fail_second(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and Job.objects.exists():
            raise RolledBack
        return execute(sql, *args)

    with (
        connections[engine_database].execute_wrapper(fail_second),
        pytest.raises(RolledBack),
    ):
        offload.submit_many(TOPIC, many, delay=1)

    assert not Job.objects.exists()


def test_a_rollback_leaves_neither_row_nor_file(engine_database: str, media: Path) -> None:
    with transaction.atomic(using=engine_database):
        offload.submit(TOPIC, files={"original": b"pixels"})
        transaction.set_rollback(True, using=engine_database)

    assert not Job.objects.exists()
    assert not Payload.objects.exists()
    assert _files(media) == []


def test_a_rollback_to_a_savepoint_leaves_neither_row_nor_file(
    engine_database: str, media: Path
) -> None:
    with transaction.atomic(using=engine_database):
        kept = offload.submit(TOPIC, files={"kept": b"pixels"})
        with transaction.atomic(using=engine_database):
            offload.submit(TOPIC, files={"gone": b"pixels"})
            transaction.set_rollback(True, using=engine_database)

    assert [job.pk for job in Job.objects.all()] == [kept.id]
    assert PayloadFile.objects.get().name == "kept"
    assert len(_files(media)) == 1


def test_files_stay_when_something_else_fails_after_the_commit(
    engine_database: str, media: Path
) -> None:
    def fail() -> None:
        raise RolledBack

    @transaction.atomic(using=engine_database)
    def submit() -> None:
        transaction.on_commit(fail, using=engine_database)
        offload.submit(TOPIC, files={"original": b"pixels"})

    with pytest.raises(RolledBack):
        submit()

    assert Job.objects.get().state == JobState.PENDING
    with PayloadFile.objects.get().open() as file:
        assert file.read() == b"pixels"


def test_inside_a_transaction_nothing_is_bound_before_the_commit(
    engine_database: str, broker: Broker
) -> None:
    join()

    with transaction.atomic(using=engine_database):
        job = offload.submit(TOPIC)
        assert states([job.id]) == ["PENDING"]
        assert broker.sent_to() == []

    assert states([job.id]) == ["QUEUED"]
    assert [sent["id"] for sent in broker.sent_to()] == [job.id]


def test_a_job_is_sent_to_who_can_run_it_under_the_announced_name(broker: Broker) -> None:
    incarnation = join(
        consumers=[{"pattern": "dam/**", "task": "old.name"}, {"pattern": TOPIC, "task": "render"}]
    )

    job = offload.submit(TOPIC, {"width": 3})

    assert broker.sent_to() == [
        {
            "task": "render", "v": 1, "id": job.id, "epoch": 1, "topic": TOPIC,
            "instance": HERE, "incarnation": incarnation,
        }
    ]  # fmt: skip


def test_no_more_is_bound_at_submit_than_run_at_once(broker: Broker) -> None:
    join("a@1"), join("b@1")

    jobs = offload.submit_many(TOPIC, [{}] * 20)

    assert Job.objects.filter(state="QUEUED").count() == 4
    assert sorted(set(Job.objects.bound().values_list("instance", flat=True))) == ["a@1", "b@1"]
    assert states([job.id for job in jobs])[:5] == ["QUEUED"] * 4 + ["PENDING"]


def test_a_job_submitted_alone_waits_for_whoever_is_free_first() -> None:
    join()
    jobs = [offload.submit(TOPIC) for _ in range(3)]

    assert [job.state for job in jobs] == ["QUEUED", "QUEUED", "PENDING"]
    assert dispatching.refill(HERE) == 1


def test_instances_that_run_something_already_are_all_used_at_submit() -> None:
    join("a@1"), join("b@1")
    offload.submit(TOPIC), offload.submit(TOPIC)
    assert loads_by_instance() == {"a@1": 1, "b@1": 1}

    offload.submit_many(TOPIC, [{}] * 20)

    assert loads_by_instance() == {"a@1": 2, "b@1": 2}


def test_a_delayed_job_is_offered_to_nobody(broker: Broker) -> None:
    join()

    job = offload.submit(TOPIC, delay=60)

    assert job.state is JobState.PENDING
    assert broker.sent_to() == []


def test_while_the_broker_is_away_jobs_are_stored_and_wait() -> None:
    join()
    breaker.trip()

    assert offload.submit(TOPIC).state is JobState.PENDING


def test_a_failure_to_bind_does_not_reach_the_submitter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no topology")

    monkeypatch.setattr("offload.dispatch.dispatching.offer", fail)

    assert offload.submit(TOPIC).state is JobState.PENDING
    assert "jobs are stored and wait for the sweep" in caplog.text


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
    "name with slash": (InvalidName, {"files": {"ok": b"1", "a/b": b"2"}}),
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
    assert _files(media) == []


@on_postgresql
def test_a_transaction_that_failed_in_the_database_leaves_no_file(
    engine_database: str, media: Path
) -> None:
    @transaction.atomic(using=engine_database)
    def submit() -> None:
        offload.submit(TOPIC, files={"original": b"pixels"})
        connections[engine_database].cursor().execute("SELECT 1 / 0")

    with pytest.raises(DataError):
        submit()

    assert _files(media) == []


def _about(time: datetime, *, seconds: float) -> bool:
    return abs(time - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=20)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
