"""Local copies of inputs."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import override_settings

import offload
from offload.core.exceptions import NoSpace, SourceCorrupt
from offload.files import payloads
from offload.files.scratch import Scratch
from offload.models import PayloadFile
from offload.worker.tasks.run_files import Inputs
from tests.integration.world import TOPIC, join, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = bytes(range(256)) * (3 * payloads.PAYLOAD_CHUNK_BYTES // 256) + b"end"


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join()


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    """Return the scratch folder of a run."""
    with override_settings(OFFLOAD={**settings.OFFLOAD, "SCRATCH": str(tmp_path)}):
        found = Scratch()
        yield found
        found.remove()


def inputs(scratch: Scratch, files: dict[str, bytes]) -> Inputs:
    """Return the inputs of a job with these files."""
    job = offload.submit(TOPIC, files=dict(files))
    return Inputs(row(job.id).payload_id, scratch)


def test_a_path_has_the_content_and_the_suffix_and_nothing_else_of_the_name(
    scratch: Scratch,
) -> None:
    name = "-rf $(x) ü/photo.tar.gz"
    found = inputs(scratch, {name: LARGE, "empty": b""})

    path = found[name].path()

    assert path.read_bytes() == LARGE
    assert path.name.endswith(".tar.gz")
    assert path.name.removesuffix(".tar.gz").isdecimal()
    assert path.is_absolute()
    assert scratch.place is not None
    assert path.is_relative_to(scratch.place)
    assert found["empty"].path().read_bytes() == b""


def test_the_path_stays_the_same_and_ends_with_the_run(scratch: Scratch) -> None:
    found = inputs(scratch, {"a.txt": b"1"})
    first = found["a.txt"].path()

    assert [one.path() for one in found] == [first]
    scratch.remove()
    assert not first.exists()
    assert scratch.place is None


def test_a_program_that_writes_to_the_path_changes_neither_the_file_nor_another_run(
    scratch: Scratch, media: Path
) -> None:
    found = inputs(scratch, {"a.txt": b"first"})
    path = found["a.txt"].path()

    path.write_bytes(b"other")

    with found["a.txt"].open() as file:
        assert file.read() == b"first"
    again = Scratch()
    assert Inputs(found.payload_id, again)["a.txt"].path().read_bytes() == b"first"
    again.remove()
    stored = media / PayloadFile.objects.get().location
    assert os.stat(stored).st_nlink == 1


def test_other_bytes_than_were_stored_are_not_handed_out(scratch: Scratch, media: Path) -> None:
    found = inputs(scratch, {"a.txt": b"first"})
    (media / PayloadFile.objects.get().location).write_bytes(b"worse")

    with pytest.raises(SourceCorrupt, match="other bytes than were stored"):
        found["a.txt"].path()

    assert list(scratch.folder("inputs").iterdir()) == []


def test_a_file_that_the_disk_has_no_room_for_is_not_begun(scratch: Scratch) -> None:
    found = inputs(scratch, {"a.txt": b"first"})

    with (
        override_settings(OFFLOAD={**settings.OFFLOAD, "MIN_FREE": 1 << 60}),
        pytest.raises(NoSpace, match=r"'a.txt'.*5 bytes are needed"),
    ):
        found["a.txt"].path()


def test_a_copy_takes_constant_memory(scratch: Scratch) -> None:
    found = inputs(scratch, {"a": bytes(40 << 20)})
    file = found["a"]

    tracemalloc.start()
    try:
        size = file.path().stat().st_size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 40 << 20
    assert peak < 6 * payloads.PAYLOAD_CHUNK_BYTES
