"""History is deleted after its retention, with its files; everything else stays."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import FileSystemStorage

import offload
from offload.files import deletion, outputs, retention
from offload.fleet.row_values import policy_of
from offload.fleet.snapshots import forget
from offload.models import Job, Payload, PayloadFile, Queue, Run
from offload.tracking import finishing, terminations
from tests.integration.world import TOPIC, age, join, running, waiting

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 24 * 3600.0


@pytest.fixture(autouse=True)
def _kept_for_a_day(media: Path) -> None:
    join()
    Queue.objects.create(name="short", topics=["dam/**"], retention_days=1)
    forget()


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def ended(**facts: Any) -> str:
    """Return a job of the queue that ended two days ago."""
    [job_id] = waiting(**{"queue": "short", **facts})
    terminations.drop([job_id])
    Job.objects.ids([job_id]).update(aftermath_due=False)
    age([job_id], "finished_at", seconds=2 * DAYS)
    return job_id


def test_jobs_go_that_ended_before_the_time_their_queue_keeps_them() -> None:
    old, other = ended(), ended(queue="default")
    young, due, waits = ended(), ended(), waiting(queue="short")[0]
    age([young], "finished_at", seconds=-1.5 * DAYS)
    Job.objects.ids([due]).update(aftermath_due=True)

    assert retention.purge() == 1

    assert set(Job.objects.values_list("pk", flat=True)) == {other, young, due, waits}
    assert old not in {other, young, due, waits}


def test_inputs_and_outputs_go_with_the_last_job_of_their_payload(media: Path) -> None:
    job = offload.submit(TOPIC, files={"original": b"in"})
    Job.objects.update(queue="default")
    Job.objects.filter(pk=job.id).delete()
    run = running(queue="short", payload_id=Payload.objects.get().pk)
    outputs.add(run.key, "48.png", b"out")
    finishing.succeed(run.key, None, aftermath=False)
    age([run.id], "finished_at", seconds=2 * DAYS)
    assert len(files(media)) == 2

    assert retention.purge() == 1

    assert files(media) == []
    assert not PayloadFile.objects.exists()
    assert not Payload.objects.exists()


def test_outputs_go_with_their_job_and_what_others_use_stays(media: Path) -> None:
    offload.submit(TOPIC, files={"original": b"in"})
    kept = Payload.objects.get().pk
    run = running(queue="short", payload_id=kept)
    outputs.add(run.key, "48.png", b"out")
    finishing.succeed(run.key, None, aftermath=False)
    age([run.id], "finished_at", seconds=2 * DAYS)

    assert retention.purge() == 1

    [left] = PayloadFile.objects.all()
    assert (left.name, left.payload_id) == ("original", kept)
    assert files(media) == [left.location.rpartition("/")[2]]


def test_a_file_that_cannot_be_deleted_keeps_no_other(
    media: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one", "two"):
        offload.submit(TOPIC, files={name: b"in"})
    jobs = list(Job.objects.values_list("pk", flat=True))
    terminations.drop(jobs)
    Job.objects.update(aftermath_due=False)
    age(jobs, "finished_at", seconds=2 * DAYS)
    delete, tried = FileSystemStorage.delete, list[str]()

    def broken(self: FileSystemStorage, name: str) -> None:
        tried.append(name)
        if len(tried) == 1:
            raise OSError("read-only")
        delete(self, name)

    monkeypatch.setattr(FileSystemStorage, "delete", broken)

    assert retention.purge() == 2

    assert len(files(media)) == 1
    assert "is left over" in caplog.text


def test_a_run_goes_with_its_last_job() -> None:
    for name in ("going", "staying"):
        Run.objects.create(id=name, workflow="w")
    ended(run_id="going")
    ended(run_id="staying")
    waiting(run_id="staying")

    retention.purge()

    assert list(Run.objects.values_list("pk", flat=True)) == ["staying"]


def test_a_queue_that_cannot_be_purged_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    Queue.objects.create(name="broken", topics=["x/**"], retention_days=1, ranking=9)
    forget()
    old, kept = ended(), ended(queue="broken")

    def fail_for_one(ids: list[str]) -> None:
        if kept in ids:
            raise OverflowError("date value out of range")
        deletion.forget(ids)

    monkeypatch.setattr(retention, "forget", fail_for_one)
    with pytest.raises(OverflowError):
        retention.purge()

    assert list(Job.objects.values_list("pk", flat=True)) == [kept]
    assert old != kept


def test_a_number_that_no_time_can_hold_is_taken_for_the_nearest() -> None:
    row = Queue(
        name="q", topics=["a"], retention_days=2_000_000_000, retry_delay=1e300, backoff=math.inf
    )

    policy = policy_of(row)

    assert policy.retention == timedelta(days=36_500)
    assert (policy.retry.delay, policy.retry.backoff) == (365 * DAYS, 1000)
