"""Files that jobs make: visible by the finish of their attempt alone."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import InvalidName, MissingFile, StaleAttempt
from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.files import outputs
from offload.files.scratch import Scratch
from offload.models import PayloadFile
from offload.operations.handles import JobHandle
from offload.signals import stale_attempt
from offload.tracking import claiming, finishing
from offload.tracking.binding.bindings import bind
from offload.worker.tasks.run_files import FilesRead, Inputs, Outputs
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
    statements,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join()


def test_outputs_are_visible_once_the_attempt_that_made_them_succeeded() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"pixels")
    assert list(JobHandle(run.id).outputs) == []
    assert list(PayloadFile.objects.outputs()) == []

    finishing.succeed(run.key, None, aftermath=False)

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
    finishing.fail(run.key, decision, BROKE, aftermath=False)

    assert list(JobHandle(run.id).outputs) == []
    assert list(PayloadFile.objects.outputs()) == []


def test_outputs_of_a_stale_attempt_stay_invisible() -> None:
    run = running()
    outputs.add(run.key, "48.png", b"of the first attempt")
    finishing.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED)
    (again,) = bind(place(), [LANE], limit=1)
    second = key_of(again)
    claiming.claim(second)
    outputs.add(second, "48.png", b"of the second")

    finishing.succeed(second, None, aftermath=False)

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


def test_a_run_reads_its_inputs_once_and_stores_its_file_in_one_go() -> None:
    job_id = offload.submit(TOPIC, files={"original": b"1"}).id
    key = AttemptKey(job_id=job_id, epoch=1, token="t")
    claimed = claiming.claim(key)
    assert claimed is not None
    read = FilesRead()
    inputs = Inputs(claimed.payload_id, Scratch(), read=read)
    with statements() as sent:
        assert [inputs["original"].size, len(inputs)] == [1, 1]
        made = Outputs(key, claimed.payload_id, read).add("48.png", b"pixels")

    asked = [one for one in sent if not one.startswith(("BEGIN", "COMMIT"))]
    assert [one.split()[0] for one in asked] == ["SELECT", "SELECT", "INSERT"]
    assert made == PayloadFile.objects.get(job=job_id, epoch=1)
    assert made.payload_id == claimed.payload_id
    with made.open() as content:
        assert content.read() == b"pixels"


def test_the_first_file_of_an_attempt_meets_those_of_another_process() -> None:
    run = running()
    outputs.add(run.key, "Web.png", b"1")
    first = Outputs(run.key, row(run.id).payload_id)

    with pytest.raises(InvalidName, match=r"'Web.png'"):
        first.add("web.png", b"2")

    assert first.add("other.png", b"3").name == "other.png"


@pytest.mark.parametrize("name", ["../a", "/a/b", "", "a\0b", "ü" * 128])
def test_an_output_has_a_name_that_is_no_path(name: str) -> None:
    run = running()

    with pytest.raises(InvalidName):
        outputs.add(run.key, name, b"1")


def test_outputs_have_names_in_folders_and_may_be_empty(media: Path) -> None:
    run = running()
    outputs.add(run.key, "renditions/48.png", b"48")
    outputs.add(run.key, "renditions/empty", b"")
    finishing.succeed(run.key, None, aftermath=False)

    found = {file.name: file.size for file in JobHandle(run.id).outputs}

    assert found == {"renditions/48.png": 2, "renditions/empty": 0}
    assert not list(media.rglob("renditions"))


def test_an_output_whose_name_clashes_with_another_is_refused_and_not_kept(media: Path) -> None:
    run = running()
    outputs.add(run.key, "Web.png", b"1")

    for name in ("web.png", "Web.png/large"):
        with pytest.raises(InvalidName, match=r"'Web.png'"):
            outputs.add(run.key, name, b"2")

    assert [file.name for file in PayloadFile.objects.all()] == ["Web.png"]
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1


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
