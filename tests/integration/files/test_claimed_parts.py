"""What came of a large file stays for the next claim, and goes once the file is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.transfers.descriptions import Direction, FileDescription
from offload.core.transfers.stages import TransferTask
from offload.core.transfers.tickets import Ticket
from offload.files import collection
from offload.files.transfers import claimed_files, noted
from offload.models import DyingFile, FileTransfer
from tests.integration.files.test_claimed_files import claim
from tests.integration.world import waiting

if TYPE_CHECKING:
    from pathlib import Path

#: The storage of the fixture.
STORAGE = "offload"


def large_job() -> str:
    """Return the id of a job with a file that is fetched in parts."""
    [job_id] = waiting()
    file = FileDescription(name="a", size=5 << 20, media_type="a/b", sha256="0" * 64)
    noted.note(
        job_id, peer="site", epoch=1, direction=Direction.INPUT, task=TransferTask.FETCH,
        files=[(file, Ticket(transport="http"))],
    )  # fmt: skip
    return job_id


def test_what_came_of_a_large_file_stays_for_the_next_claim() -> None:
    large_job()
    first = claim(lease=0.0)
    assert first is not None
    part = first.rows[0].part
    assert part.startswith("parts/")

    claimed_files.put_back(first, seconds=0.0, storage="default")
    second = claim("b@two", lease=0.0)
    third = claim("c@three")

    assert second is not None
    assert third is not None
    assert (second.rows[0].part, third.rows[0].part) == (part, part)
    assert len({first.folder, second.folder, third.folder}) == 3
    assert not DyingFile.objects.filter(location=part).exists()


@pytest.mark.parametrize("how", ["failed", "given up"])
def test_what_came_of_a_file_that_is_over_is_deleted(how: str, media: Path) -> None:
    job_id = large_job()
    found = claim()
    assert found is not None
    place = media / found.rows[0].part
    place.parent.mkdir(parents=True)
    place.write_bytes(b"begun")

    if how == "failed":
        assert claimed_files.fail(found, name="a", code="no_space", problem="x", storage=STORAGE)
    else:
        assert noted.give_up(job_id, problem="x", storage=STORAGE)

    collection.collect_all()
    assert not place.parent.exists()
    assert FileTransfer.objects.get().part == ""


def test_a_part_that_was_not_used_is_deleted_at_the_end(media: Path) -> None:
    large_job()
    found = claim()
    assert found is not None
    place = media / found.rows[0].part
    place.parent.mkdir(parents=True)
    place.write_bytes(b"of another process")

    assert claimed_files.finish(found, {"a": 5 << 20}, storage=STORAGE)

    collection.collect_all()
    assert not place.exists()
