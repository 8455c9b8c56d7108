"""Files of jobs: streamed and hashed on their way in."""

from __future__ import annotations

import errno
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.core.files.base import ContentFile

import offload
from offload.core.exceptions import MissingFile, UnreadableFile
from offload.files import payloads
from offload.models import Job, Payload, PayloadFile
from tests.integration.world import TOPIC, join, row

LARGE = bytes(range(256)) * (3 * payloads.PAYLOAD_CHUNK_BYTES // 256) + b"end"


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join()


class Slow(BytesIO):
    """Gives what it has in pieces, and remembers the largest it was asked for."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next piece."""
        assert size is not None
        assert size > 0
        self.largest = max(self.largest, size)
        return super().read(min(size, 1000))


def _sources(folder: Path) -> dict[str, Any]:
    path = folder / "given.bin"
    path.write_bytes(LARGE)
    return {
        "path": path,
        "text path": str(path),
        "bytes": LARGE,
        "open file": BytesIO(LARGE),
        "django file": ContentFile(LARGE),
        "slow file": Slow(LARGE),
    }


class Broken(BytesIO):
    """Gives a first piece, and then fails."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the first piece; raise OSError for the second."""
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(10)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that the system does not let be opened."""
    path = tmp_path / "locked.jpg"
    path.write_bytes(b"pixels")
    usual = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return usual(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    return path


def test_a_file_that_cannot_be_opened_is_named_with_the_reason(locked: Path, media: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"locked\.jpg' cannot be read: Permission denied"):
        offload.submit(TOPIC, files={"first": b"1", "original": locked})

    assert not Job.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_a_file_that_vanished_after_it_was_looked_at_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "check", lambda _: None)

    with pytest.raises(MissingFile, match="gone"):
        offload.submit(TOPIC, files={"original": tmp_path / "gone.jpg"})


def test_a_folder_that_does_not_let_its_files_be_seen_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refuse)

    with pytest.raises(UnreadableFile, match="Permission denied"):
        offload.submit(TOPIC, files={"original": tmp_path / "a.jpg"})


def test_whatever_a_file_is_read_from_it_is_stored_and_described(tmp_path: Path) -> None:
    job = offload.submit(TOPIC, files=_sources(tmp_path))

    stored = PayloadFile.objects.inputs().order_by("name")

    assert row(job.id).payload_id == Payload.objects.get().pk
    assert [file.name for file in stored] == sorted(_sources(tmp_path))
    for file in stored:
        assert (file.size, file.sha256) == (len(LARGE), sha256(LARGE).hexdigest())
        with file.open() as content:
            assert content.read() == LARGE


def test_a_large_file_is_read_in_pieces() -> None:
    source = Slow(b"x" * 5000)

    offload.submit(TOPIC, files={"slow": source})

    assert source.largest == payloads.PAYLOAD_CHUNK_BYTES
    assert PayloadFile.objects.get().size == 5000


def test_a_media_type_comes_from_the_name() -> None:
    offload.submit(TOPIC, files={"a.webp": b"", "b.jpg": b"", "c": b""})

    types = dict(PayloadFile.objects.values_list("name", "media_type"))

    assert types == {
        "a.webp": "image/webp", "b.jpg": "image/jpeg", "c": "application/octet-stream",
    }  # fmt: skip


def test_a_media_type_comes_from_the_content_where_the_name_says_nothing_or_lies() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
    offload.submit(TOPIC, files={"a": png, "b.txt": png, "c": b"plain words", "d.PNG": png})

    types = dict(PayloadFile.objects.values_list("name", "media_type"))

    assert types == {
        "a": "image/png", "b.txt": "image/png", "c": "text/plain", "d.PNG": "image/png",
    }  # fmt: skip
    for file in PayloadFile.objects.filter(media_type="image/png"):
        with file.open() as content:
            assert content.read() == png


def test_names_never_become_paths(media: Path) -> None:
    offload.submit(TOPIC, files={"Ünïcode & spaces '$(x)'.jpg": b"1", ".hidden": b"2"})

    for file in PayloadFile.objects.all():
        assert file.name not in file.location
        assert (media / file.location).is_file()


def test_a_file_that_breaks_off_leaves_nothing(media: Path) -> None:
    with pytest.raises(UnreadableFile, match="'broken' cannot be read: Input/output error"):
        offload.submit(TOPIC, files={"fine": b"1", "broken": Broken(LARGE)})

    assert not Payload.objects.exists()
    assert not Job.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_a_file_is_copied_into_an_open_one() -> None:
    offload.submit(TOPIC, files={"original": LARGE})
    target: IO[bytes] = BytesIO()

    payloads.copy(PayloadFile.objects.get(), target)

    target.seek(0)
    assert target.read() == LARGE
