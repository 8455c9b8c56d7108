"""Inputs that a run cannot read because their storage fails: a failed attempt like any other."""

from __future__ import annotations

import errno
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages

import offload
from offload.core.exceptions import JobFailed
from offload.models import Attempt, Queue
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

UNREACHABLE = "No route to host"
#: More failures than a test lets a job have.
ALWAYS = 1000


class BrokenOff(BytesIO):
    """A file whose storage cannot be reached any more once it is open."""

    def read(self, *_: Any) -> bytes:
        """Fail."""
        raise OSError(errno.EHOSTUNREACH, UNREACHABLE)


class Away(FileSystemStorage):
    """Cannot be reached so many times, when a file is opened or when it is read."""

    failures: ClassVar[int] = 0
    breaks_off: ClassVar[bool] = False

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if not self.failures:
            opened: File[bytes] = super()._open(name, mode)  # type: ignore[misc]
            return opened
        type(self).failures -= 1
        if self.breaks_off:
            return File(BrokenOff())
        raise OSError(errno.EHOSTUNREACH, UNREACHABLE)


@pytest.fixture(params=["opened", "read"])
def storage(
    request: pytest.FixtureRequest, media: Path, monkeypatch: pytest.MonkeyPatch
) -> type[Away]:
    """Return the class of the storage that files go to, to say how often it fails."""
    made = Away(location=media)
    monkeypatch.setitem(storages._storages, "offload", made)  # type: ignore[attr-defined]
    monkeypatch.setattr(Away, "failures", 0)
    monkeypatch.setattr(Away, "breaks_off", request.param == "read")
    return Away


@pytest.fixture(autouse=True)
def _consumer(app: Celery) -> Iterator[None]:
    """Give the app a consumer that reads its file."""

    def size(job: Any) -> int:
        with job.inputs["note.txt"].open() as file:
            return len(file.read())

    define(app, size, name="tests.size", base=ConsumerTask, pattern="size", topic="size")
    yield
    app.tasks.pop("tests.size")


def test_a_job_is_retried_until_its_storage_can_be_reached_again(storage: type[Away]) -> None:
    job = offload.submit("size", files={"note.txt": b"quiet"})
    storage.failures = 2

    assert run_jobs() == [job, job, job]

    assert (job.result(0), job.row.attempts, job.row.failures) == (5, 3, 2)
    found = Attempt.objects.filter(job=job.id).values_list("cause", "error")
    assert {(cause, UNREACHABLE in error) for cause, error in found} == {("failed", True)}


def test_a_job_whose_storage_stays_away_is_given_up_with_the_storages_error(
    storage: type[Away],
) -> None:
    Queue.objects.create(name="once more", topics=["size"], retries=1)
    job = offload.submit("size", files={"note.txt": b"quiet"})
    storage.failures = ALWAYS

    assert run_jobs() == [job, job]

    assert (job.row.state, job.row.error_type) == ("GIVEN_UP", "builtins.OSError")
    assert UNREACHABLE in job.row.error
    with pytest.raises(JobFailed, match=UNREACHABLE):
        job.result(0)
