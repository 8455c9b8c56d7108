"""Collection: what nothing uses is deleted, whoever dies, and what is used never."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import FileSystemStorage

import offload
from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.db import database
from offload.files import collection, deletion, outputs
from offload.files.collection import Collector
from offload.models import DyingFile, Job, PayloadFile
from offload.tracking import claiming, finishing, terminations
from offload.tracking.binding.bindings import bind
from tests.integration.world import BROKE, LANE, TOPIC, join, key_of, place, row, running

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")
ENOUGH = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=1, crashes=0, reason="enough")


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join()


def contents(media: Path) -> set[bytes]:
    """Return what the files of the storage hold."""
    return {path.read_bytes() for path in media.rglob("*") if path.is_file()}


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the storage fail to delete."""

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileSystemStorage, "delete", refuse)


def test_outputs_of_an_attempt_that_failed_go_and_those_of_the_next_stay(media: Path) -> None:
    run = running()
    outputs.add(run.key, "48.png", b"first")
    finishing.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED)
    assert Collector().sweep() == 0
    [again] = bind(place(), [LANE], limit=1)
    second = key_of(again)
    claiming.claim(second)
    outputs.add(second, "48.png", b"second")

    assert Collector().sweep() == 1

    assert contents(media) == {b"second"}
    finishing.succeed(second, None, aftermath=False)
    assert Collector().sweep() == 0
    assert contents(media) == {b"second"}
    assert not DyingFile.objects.exists()


def test_outputs_of_a_job_that_did_not_succeed_go_and_its_inputs_stay(media: Path) -> None:
    job_id = offload.submit(TOPIC, files={"original": b"in"}).id
    key = key_of(type("Bound", (), {"id": job_id, "epoch": 1})())
    claiming.claim(key)
    outputs.add(key, "48.png", b"half")
    finishing.fail(key, ENOUGH, BROKE, aftermath=False)

    assert Collector().sweep() == 1

    assert contents(media) == {b"in"}
    assert [one.name for one in PayloadFile.objects.all()] == ["original"]


def test_a_sweep_looks_at_a_part_and_the_next_one_goes_on(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "SCANNED_ROWS", 2)
    offload.submit(TOPIC, files={"a": b"a", "b": b"b", "c": b"c"})
    run = running()
    outputs.add(run.key, "48.png", b"half")
    finishing.fail(run.key, ENOUGH, BROKE, aftermath=False)
    collector = Collector()

    assert [collector.sweep() for _ in range(3)] == [0, 1, 0]

    assert contents(media) == {b"a", b"b", b"c"}


def test_a_file_whose_deletion_fails_is_tried_again_later(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = offload.submit(TOPIC, files={"original": b"in"}).id
    terminations.drop([job_id])
    with monkeypatch.context() as patch:
        broken(patch)
        deletion.forget([job_id])
        assert collection.collect() == 0

    dying = DyingFile.objects.get()
    assert not Job.objects.filter(pk=job_id).exists()
    assert (dying.failures, dying.error) == (1, "[Errno 13] Permission denied")
    assert contents(media) == {b"in"}
    assert collection.collect() == 0
    DyingFile.objects.update(due_at=dying.since)

    assert collection.collect() == 1

    assert contents(media) == set()
    assert not DyingFile.objects.exists()
    assert list(media.iterdir()) == []


def test_a_process_that_dies_between_commit_and_deletion_leaves_the_rest_to_the_sweep(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = offload.submit(TOPIC, files={"original": b"in"}).id
    terminations.drop([job_id])

    def die(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", die)
        with pytest.raises(SystemExit):
            deletion.forget([job_id])
    assert not Job.objects.exists()
    assert contents(media) == {b"in"}

    assert Collector().sweep() == 1

    assert contents(media) == set()


def test_what_is_rolled_back_stays(media: Path) -> None:
    job_id = offload.submit(TOPIC, files={"original": b"in"}).id
    terminations.drop([job_id])

    def fail_at_the_end() -> None:
        with database.atomic():
            deletion.forget([job_id])
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        fail_at_the_end()

    assert not DyingFile.objects.exists()
    assert Collector().sweep() == 0
    assert contents(media) == {b"in"}
    assert row(job_id).payload is not None


def test_a_file_that_was_replaced_goes(media: Path) -> None:
    run = running()
    outputs.add(run.key, "48.png", b"first")
    outputs.add(run.key, "48.png", b"second")

    assert contents(media) == {b"second"}
    assert not DyingFile.objects.exists()


def test_a_file_is_due_by_the_databases_clock(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "COLLECTED_FILES", 0)
    monkeypatch.setattr(collection, "now", lambda: datetime(2000, 1, 1, tzinfo=UTC))
    job_id = offload.submit(TOPIC, files={"a": b"a"}).id
    terminations.drop([job_id])
    deletion.forget([job_id])

    assert collection.collect(most=10) == 1
    assert contents(media) == set()


def test_many_files_are_left_to_the_sweep(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "COLLECTED_FILES", 2)
    job_id = offload.submit(TOPIC, files={"a": b"a", "b": b"b", "c": b"c"}).id
    terminations.drop([job_id])
    deletion.forget([job_id])
    assert contents(media) == {b"a", b"b", b"c"}

    assert collection.collect(most=10) == 3
