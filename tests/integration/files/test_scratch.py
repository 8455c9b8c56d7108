"""Scratch folders: removed by their process, or by whoever finds it dead."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from django.test import override_settings

from offload.core.exceptions import ConfigurationError
from offload.files import descendants, scratch
from offload.files.scratch import Scratch
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of scratch folders."""
    with override_settings(OFFLOAD={"SCRATCH": str(tmp_path)}):
        yield scratch.root()


def test_a_folder_is_made_when_it_is_needed_for_this_user_alone(home: Path) -> None:
    run = Scratch()
    assert list(home.iterdir()) == []

    folder = run.folder("work")

    assert folder.parent == run.place
    for path in (home, run.place, folder):
        assert path is not None
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    run.remove()
    assert list(home.iterdir()) == []


def test_all_that_is_in_it_is_removed_whatever_a_program_made_of_it(home: Path) -> None:
    run = Scratch()
    folder = run.folder("work")
    (folder / "deep/er").mkdir(parents=True)
    (folder / "deep/er/file").write_bytes(b"1")
    (folder / "link").symlink_to(home.parent / "kept")
    (home.parent / "kept").mkdir()
    (home.parent / "kept/file").write_bytes(b"2")
    os.mkfifo(folder / "pipe")
    (folder / "deep/er").chmod(0o500)
    (folder / "deep").chmod(0o000)

    run.remove()

    assert list(home.iterdir()) == []
    assert (home.parent / "kept/file").read_bytes() == b"2"


def test_a_sweep_leaves_the_folders_of_living_processes(home: Path) -> None:
    run = Scratch()
    (run.folder("work") / "file").write_bytes(b"1")

    assert scratch.sweep() == 0

    assert (run.folder("work") / "file").exists()
    run.remove()


#: Takes a scratch folder, starts a program with a child of its own, and waits.
HOLDER = """
import json, subprocess, sys
import django
from django.conf import settings
settings.configure(OFFLOAD={"SCRATCH": sys.argv[1]})
from offload.files import descendants
from offload.files.scratch import Scratch
run = Scratch()
(run.folder("work") / "file").write_bytes(b"1")
code = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
program = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
with run.noting(descendants.identity_of(program.pid)):
    print(program.pid, flush=True)
    sys.stdin.read()
"""


def test_a_sweep_ends_the_programs_of_a_dead_process_and_removes_its_folder(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        program = psutil.Process(int(holder.stdout.readline()))
        eventually(lambda: program.children(), what="the program's own child")
        started = [program, *program.children()]
        assert scratch.sweep() == 0
        holder.send_signal(signal.SIGKILL)

    assert scratch.sweep() == 1

    eventually(lambda: all(map(has_ended, started)), what="their end")
    assert list(home.iterdir()) == []
    assert scratch.sweep() == 0


def test_a_sweep_ends_what_has_lost_the_program_that_started_it(home: Path) -> None:
    place, lock = home / "run", home / "run.lock"
    place.mkdir()
    lock.touch()
    environment = {**os.environ, descendants.MARK: str(place)}

    with (
        subprocess.Popen(["sleep", "600"], env=environment) as left,
        subprocess.Popen(["sleep", "600"], env={**os.environ, "PWD": str(place)}) as other,
    ):
        assert scratch.sweep() == 1

        assert left.wait(30) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
    assert list(home.iterdir()) == []


def test_a_later_process_with_the_number_of_a_program_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        mine = descendants.identity_of(other.pid)

        descendants.end(mine._replace(started=mine.started - 1))
        assert other.poll() is None
        descendants.end(mine)

        assert other.wait(30) == -signal.SIGKILL


def test_a_folder_that_others_may_enter_is_refused(home: Path) -> None:
    home.chmod(0o755)

    with pytest.raises(ConfigurationError, match="no folder of this user's alone"):
        Scratch().folder("work")

    home.rmdir()
    home.symlink_to(home.parent)
    with pytest.raises(ConfigurationError, match="no folder of this user's alone"):
        scratch.sweep()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with (
        override_settings(OFFLOAD={"SCRATCH": str(tmp_path / "nowhere")}),
        pytest.raises(ConfigurationError, match=r"SCRATCH.*nowhere.*No such file"),
    ):
        Scratch().folder("work")
