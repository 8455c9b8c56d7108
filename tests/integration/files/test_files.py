"""Files of jobs: streamed and hashed on their way in, outputs visible by the finish alone."""

from __future__ import annotations

import errno
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.core.files.base import ContentFile

import offload
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import InvalidName, MissingFile, StaleAttempt, UnreadableFile
from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.files import outputs, payloads
from offload.models import Job, Payload, PayloadFile
from offload.operations.handles import JobHandle
from offload.signals import stale_attempt
from offload.tracking import claiming, runs
from offload.tracking.bindings import bind
from tests.integration.world import (
    BROKE,
    LANE,
    TOPIC,
    join,
    key_of,
    lose,
    place,
    row,
    running,
)  # fmt: skip

LARGE = bytes(range(256)) * (3 * payloads.CHUNK_BYTES // 256) + b"end"
AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")


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

    assert source.largest == payloads.CHUNK_BYTES
    assert PayloadFile.objects.get().size == 5000


def test_a_media_type_comes_from_the_name() -> None:
    offload.submit(TOPIC, files={"a.webp": b"", "b.jpg": b"", "c": b""})

    types = dict(PayloadFile.objects.values_list("name", "media_type"))

    assert types == {
        "a.webp": "image/webp", "b.jpg": "image/jpeg", "c": "application/octet-stream",
    }  # fmt: skip


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


def test_outputs_are_visible_once_the_attempt_that_made_them_succeeded() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"pixels")
    assert list(JobHandle(run.id).outputs) == []
    assert list(PayloadFile.objects.outputs()) == []

    runs.succeed(run.key, None, aftermath=False)

    (file,) = JobHandle(run.id).outputs
    assert (file.name, file.size, file.media_type) == ("48.png", 6, "image/png")
    assert list(PayloadFile.objects.outputs()) == [file]
    assert list(PayloadFile.objects.inputs()) == []


def test_outputs_of_a_job_that_ended_otherwise_stay_invisible() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"half")

    decision = RetryDecision(
        state=JobState.GIVEN_UP, delay=0, failures=1, crashes=0, reason="enough"
    )
    runs.fail(run.key, decision, BROKE, aftermath=False)

    assert list(JobHandle(run.id).outputs) == []
    assert list(PayloadFile.objects.outputs()) == []


def test_outputs_of_a_stale_attempt_stay_invisible() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"of the first attempt")
    runs.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED, changes={})
    (again,) = bind(place(), [LANE], limit=1)
    second = key_of(again)
    claiming.claim(second)
    outputs.add(second, "48.png", b"of the second")

    runs.succeed(second, None, aftermath=False)

    (file,) = JobHandle(run.id).outputs
    with file.open() as content:
        assert content.read() == b"of the second"


def test_an_attempt_that_was_overtaken_can_add_nothing(media: Path) -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")

    told: list[Any] = []

    def note(*, job_id: str, **_: object) -> None:
        told.append(job_id)

    stale_attempt.connect(note)
    with pytest.raises(StaleAttempt):
        outputs.add(run.key, "late.png", b"late")

    assert told == [run.id]

    assert not PayloadFile.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_an_attempt_that_is_overtaken_while_it_stores_leaves_no_file(media: Path) -> None:
    run = running()

    class Overtaking(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")
            return super().read(size)

    with pytest.raises(StaleAttempt):
        outputs.add(run.key, "late.png", Overtaking(b"late"))

    assert not PayloadFile.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_the_last_output_of_a_name_counts() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"first")
    outputs.add(run.key, "48.png", b"second", media_type="image/x-own")

    file = PayloadFile.objects.get()

    assert (file.size, file.media_type) == (6, "image/x-own")


def test_outputs_join_the_payload_that_came_with_the_job() -> None:
    job_id = offload.submit(TOPIC, files={"original": b"1"}).id
    key = AttemptKey(job_id=job_id, epoch=1, token="t")
    assert claiming.claim(key) is not None

    file = outputs.add(key, "original", b"2")

    assert file.payload_id == row(job_id).payload_id
    assert PayloadFile.objects.count() == 2


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\0b", "ü" * 128])
def test_an_output_has_a_plain_name(name: str) -> None:
    run = running()

    with pytest.raises(InvalidName):
        outputs.add(run.key, name, b"1")


@pytest.mark.parametrize("text", ["a text", "a text\nof lines\n" * 1000], ids=["short", "long"])
def test_content_that_is_passed_as_text_is_told_from_a_path(text: str) -> None:
    run = running()

    for act in (
        lambda: outputs.add(run.key, "a.txt", text),
        lambda: offload.submit(TOPIC, files={"a.txt": text}),
    ):
        with pytest.raises(MissingFile, match="content and not a path, pass it as bytes"):
            act()


def test_an_output_that_is_not_there_is_named() -> None:
    run = running()

    with pytest.raises(MissingFile, match="/nowhere"):
        outputs.add(run.key, "48.png", "/nowhere")
