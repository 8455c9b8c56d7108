"""A flood of files in a folder that two agents watch: each starts what it should, and once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from offload.models import Launch, Launcher, PayloadFile, Run
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

#: Seconds for which files must lie still, and for which one is written, bit by bit.
STILL, WRITING = 1.0, 4.0


@pytest.fixture
def inbox(place: Place, site: object) -> Iterator[Path]:
    """Return an empty folder, with a launcher for it."""
    folder = place.folder / "inbox"
    folder.mkdir()
    Launcher.objects.create(
        name="in", pattern="inbox/**", exclude=["image/*"], workflow="acc/arrived",
        parameters={"name": "$name"},
    )  # fmt: skip
    yield folder
    shutil.rmtree(folder)
    Launch.objects.all().delete()
    Launcher.objects.all().delete()


def watching(inbox: Path) -> dict[str, str]:
    """Return the variables of a worker whose agent watches the folder."""
    said = {"WATCH": {"inbox": str(inbox)}, "WATCH_STILL": STILL, "WATCH_EVERY": 0.2}
    return {"ACCEPTANCE_OFFLOAD": json.dumps(said), "ACCEPTANCE_APPS": "tests.acceptance.arriving"}


def flood(inbox: Path, count: int) -> list[str]:
    """Put files into the folder in many ways; return the paths of those that are to start a run."""
    wanted = []
    for number in range(count):
        folder = inbox / f"{number % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_text(f"file {number}")
        wanted.append(f"inbox/{number % 7}/{number}.txt")
    for twin in ("twin.txt", "twin again.txt"):
        (inbox / twin).write_text("the same content")
        wanted.append(f"inbox/{twin}")
    (inbox / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (inbox / "link.txt").symlink_to(inbox / "twin.txt")
    (inbox / "gone.txt").write_text("gone")
    (inbox / "gone.txt").unlink()
    return wanted


def write_slowly(file: Path) -> None:
    """Write a file in bits, with less time between them than it must lie still."""
    end = time.monotonic() + WRITING
    with file.open("w") as opened:
        while time.monotonic() < end:
            opened.write("bit ")
            opened.flush()
            time.sleep(STILL / 5)
        opened.write("whole")


def examine(fleet: Fleet, inbox: Path, count: int) -> None:
    """Flood the folder, kill one of two watchers in the middle, and compare what started."""
    fleet.start("a", variables=watching(inbox), wait=False)
    fleet.start("b", variables=watching(inbox))
    fleet["a"].await_ready()
    slow = threading.Thread(target=write_slowly, args=[inbox / "slow.txt"])
    slow.start()
    wanted = [*flood(inbox, count), "inbox/slow.txt"]
    eventually(Launch.objects.exists, what="the first launch")
    fleet["a"].send_all(signal.SIGKILL)
    # The same file twice.
    os.utime(inbox / "twin.txt")
    slow.join()

    eventually(
        lambda: Launch.objects.count() >= len(wanted), within=60 + count, what="all launches"
    )
    eventually(
        lambda: Run.objects.filter(state="SUCCEEDED").count() >= len(wanted),
        within=60 + count,
        what="the end of all runs",
    )

    assert sorted(Launch.objects.values_list("path", flat=True)) == sorted(wanted)
    assert Run.objects.count() == len(wanted)
    assert {run.user_data["path"] for run in Run.objects.all()} == set(wanted)
    slowly = PayloadFile.objects.get(payload__runs__launches__path="inbox/slow.txt")
    with slowly.open() as file:
        assert file.read().endswith(b"whole")


def test_a_flood_starts_exactly_what_it_should(fleet: Fleet, inbox: Path) -> None:
    examine(fleet, inbox, 40)


@pytest.mark.long
@pytest.mark.everywhere
def test_a_flood_of_five_hundred_files_does_too(fleet: Fleet, inbox: Path) -> None:
    examine(fleet, inbox, 500)
