"""A storage that takes its time: only the run that reads from it waits."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import transaction

import offload
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import PayloadFile
from tests.acceptance.watching import ended
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

#: Beats in more than the time after which an instance that is silent counts as gone.
BEATS = 5


@contextmanager
def being_read(path: Path) -> Iterator[IO[bytes]]:
    """Return the other end of a pipe once somebody reads from it, who waits until it is closed."""

    def other_end() -> list[int]:
        # Nobody can open it for writing before it is open for reading.
        with suppress(OSError):
            return [os.open(path, os.O_WRONLY | os.O_NONBLOCK)]
        return []

    [number] = eventually(other_end, within=60, what=f"somebody reads {path}")
    with open(number, "wb") as end:
        yield end


def test_a_read_that_takes_long_holds_up_neither_the_heartbeat_nor_other_jobs(
    fleet: Fleet, place: Place
) -> None:
    [worker] = fleet.need("a")
    with transaction.atomic():
        job = offload.submit("acc/echo", files={"note.txt": b"quiet"})
        path = place.folder / "media" / PayloadFile.objects.get().location
        path.unlink()
        os.mkfifo(path)

    with being_read(path) as content:
        before = worker.row.beat
        eventually(lambda: worker.row.beat >= before + BEATS, within=60, what="heartbeats")
        assert worker.row.mode == Mode.READY
        assert ended(offload.submit("acc/quick", {"value": 1})).state == JobState.SUCCEEDED
        assert job.state == JobState.ACTIVE
        content.write(b"quiet")

    row = ended(job)
    assert (row.state, row.epoch, row.attempts) == (JobState.SUCCEEDED, 1, 1)
    with job.outputs.get().open() as file:
        assert file.read() == b"QUIET"
