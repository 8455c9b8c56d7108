"""Storages that fail: on a full disk, half way, when they are asked to open or to delete."""

from __future__ import annotations

import errno
import logging
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages

import offload
from offload.core.exceptions import FileNotStored
from offload.db import database
from offload.files import deletion, outputs
from offload.models import Job, Payload, PayloadFile
from offload.tracking import terminations
from tests.integration.world import TOPIC, join, running

CONTENT = b"pixels" * 1000


class Full(FileSystemStorage):
    """Has room for so many files; the next is written half and then fails, as on a full disk."""

    room: ClassVar[int] = 0
    deletes: ClassVar[bool] = True

    def _save(self, name: str, content: Any) -> str:
        save: Any = super()._save  # type: ignore[misc]
        if len([path for path in Path(self.location).rglob("*") if path.is_file()]) < self.room:
            return str(save(name, content))
        save(name, File(BytesIO(content.read(len(CONTENT) // 2))))
        raise OSError(errno.ENOSPC, "No space left on device", self.path(name))

    def delete(self, name: str) -> None:
        """Delete a file, where it can."""
        if not self.deletes:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        super().delete(name)


@pytest.fixture
def storage(media: Path, monkeypatch: pytest.MonkeyPatch) -> type[Full]:
    """Return the class of the storage that files go to, to say what it does."""
    made = Full(location=media)
    monkeypatch.setitem(storages._storages, "offload", made)  # type: ignore[attr-defined]
    monkeypatch.setattr(Full, "room", 0)
    monkeypatch.setattr(Full, "deletes", True)
    join()
    return Full


def test_a_full_disk_is_said_at_submit_and_leaves_nothing(
    storage: type[Full], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "room", 1)

    with pytest.raises(FileNotStored, match=r"'second' could not be stored: No space left on de"):
        offload.submit(TOPIC, files={"first": CONTENT, "second": CONTENT})

    assert list(media.rglob("*")) == []
    assert not Payload.objects.exists()
    assert not Job.objects.exists()


def test_a_full_disk_under_the_spool_is_said_too(
    storage: type[Full], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoRoom:
        """A temporary file on a full disk."""

        def __init__(self, **_: object) -> None:
            self.chunks = 0

        def __enter__(self) -> NoRoom:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", NoRoom)

    with pytest.raises(FileNotStored, match="No space left on device"):
        offload.submit(TOPIC, files={"first": CONTENT})

    assert list(media.rglob("*")) == []


def test_a_run_that_cannot_store_its_output_leaves_nothing_however_often(
    storage: type[Full], media: Path
) -> None:
    run = running()
    for _ in range(3):
        with pytest.raises(FileNotStored):
            outputs.add(run.key, "48.png", CONTENT)

    assert [path for path in media.rglob("*") if path.is_file()] == []
    assert not PayloadFile.objects.exists()


def test_the_first_problem_is_told_where_the_rest_cannot_be_removed(
    storage: type[Full],
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(storage, "deletes", False)

    with caplog.at_level(logging.ERROR), pytest.raises(FileNotStored, match="No space left"):
        offload.submit(TOPIC, files={"first": CONTENT})

    (left,) = (path for path in media.rglob("*") if path.is_file())
    assert f"{left.parent.name}/{left.name} of storage 'offload' is left over" in caplog.text


def test_an_output_that_is_replaced_counts_though_the_old_one_cannot_be_removed(
    storage: type[Full], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "room", 9)
    monkeypatch.setattr(storage, "deletes", False)
    run = running()

    outputs.add(run.key, "48.png", b"first")
    outputs.add(run.key, "48.png", b"second")

    assert PayloadFile.objects.get().size == 6


def test_an_output_of_a_transaction_that_is_rolled_back_is_removed(
    storage: type[Full], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "room", 9)
    run = running()

    def add_and_fail() -> None:
        with database.atomic():
            outputs.add(run.key, "48.png", b"pixels")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()

    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_nothing_is_left_of_files_whose_history_is_over(
    storage: type[Full], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "room", 9)
    job = offload.submit(TOPIC, files={"first": CONTENT})
    terminations.drop([job.id])

    deletion.forget([job.id])

    assert list(media.rglob("*")) == []
