from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from offload.embedded.process import ProcessMark
from project.claim import FolderInUse, claimed
from project.fleet import Fleet, ProgramEnded, ending_in_order
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAMILY = "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

PAPER = {"WORDS": "out of paper"}

SUPERVISOR = """
import sys, time
from pathlib import Path
from project.fleet import Fleet, ending_in_order
with ending_in_order() as stop, Fleet(Path(sys.argv[1]), {}, stop) as fleet:
    for number in range(2):
        fleet.start(f"sleeper{number}", ["sleep", "600"])
    print("started", flush=True)
    while True:
        fleet.check()
        time.sleep(0.02)
"""


@pytest.fixture
def supervisor(tmp_path: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that runs a fleet of two programs."""
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
        process.kill()


def programs_in(folder: Path) -> list[psutil.Process]:
    """Return the processes that the fleet of the folder has noted."""
    notes = [json.loads(path.read_text()) for path in sorted((folder / "run").glob("*.pid"))]
    return [psutil.Process(note["pid"]) for note in notes]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_the_supervisor_ends_its_programs(
    supervisor: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    programs = programs_in(tmp_path)
    assert len(programs) == 2

    os.kill(supervisor.pid, number)

    eventually(lambda: all(map(has_ended, programs)), what="their end")


def test_what_the_programs_started_ends_with_them(tmp_path: Path) -> None:
    with Fleet(tmp_path, {}) as fleet:
        fleet.start("family", [sys.executable, "-c", FAMILY])
        [parent] = programs_in(tmp_path)
        [child] = eventually(parent.children, what="the child")

    assert has_ended(parent)
    assert has_ended(child)
    assert programs_in(tmp_path) == []


def test_a_program_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.fleet.EXIT_SECONDS", 0.2)
    with Fleet(tmp_path, {}) as fleet:
        fleet.start("stubborn", [sys.executable, "-c", STUBBORN])
        [program] = programs_in(tmp_path)
        eventually(lambda: signals_ignored(program), what="its deafness")

    assert has_ended(program)


def signals_ignored(process: psutil.Process) -> bool:
    """Return whether the process ignores SIGTERM, as Linux tells it."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        [ignored] = [line.split()[1] for line in status if line.startswith("SigIgn")]
    return bool(int(ignored, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_program_that_ended_is_noticed_with_its_last_words(tmp_path: Path) -> None:
    with Fleet(tmp_path, {"WORDS": "out of paper"}) as fleet:
        fleet.start("printer", ["sh", "-c", 'echo "$WORDS"; exit 3'])
        with pytest.raises(ProgramEnded, match=r"printer ended with code 3[\s\S]*out of paper"):
            eventually(fleet.check)


def test_what_a_predecessor_left_running_is_ended_first(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "600"])
    (tmp_path / "run").mkdir()
    note = ProcessMark.of(left.pid).dump()
    (tmp_path / "run" / "left.pid").write_text(json.dumps(note))

    with Fleet(tmp_path, {}):
        assert left.poll() is not None
    assert programs_in(tmp_path) == []


def test_a_process_that_only_has_the_number_of_a_predecessor_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    (tmp_path / "run").mkdir()
    note = {**ProcessMark.of(stranger.pid).dump(), "started": "1"}
    (tmp_path / "run" / "left.pid").write_text(json.dumps(note))

    with Fleet(tmp_path, {}):
        assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_folder_is_given_to_one_process_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(FolderInUse, match=str(os.getpid())), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_a_signal_is_heeded_where_it_is_asked_for_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with ending_in_order() as stop:
        stop.check()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            stop.check()

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_signal_interrupts_at_once() -> None:
    with ending_in_order():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt, match="SIGINT"):
            signal.raise_signal(signal.SIGINT)


def test_what_was_killed_is_started_again_and_its_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.fleet.RESTART_AFTER_SECONDS", 0.0)
    said = "import time; print('begun', flush=True); time.sleep(600)"
    with Fleet(tmp_path, {}) as fleet:
        fleet.start("sleeper", [sys.executable, "-c", said])
        log = tmp_path / "log/sleeper.log"
        eventually(lambda: "begun" in log.read_text(), what="its first words")
        [first] = programs_in(tmp_path)
        assert fleet.revive() == {}

        os.kill(first.pid, signal.SIGKILL)

        assert eventually(fleet.revive, what="its death") == {"sleeper": -signal.SIGKILL}
        [second] = programs_in(tmp_path)
        assert second.pid != first.pid
        eventually(lambda: log.read_text().count("begun") == 2, what="its second words")


def test_what_ends_soon_after_its_start_is_not_started_again(tmp_path: Path) -> None:
    with Fleet(tmp_path, {}) as fleet:
        fleet.start("faulty", [sys.executable, "-c", "raise SystemExit('no such setting')"])

        with pytest.raises(ProgramEnded, match="no such setting"):
            eventually(fleet.revive, what="its end")


def test_a_program_with_work_to_do_is_waited_for_and_not_missed(tmp_path: Path) -> None:
    with Fleet(tmp_path, {"WORDS": "wrong"}) as fleet:
        fleet.start("work", ["sh", "-c", 'echo "$WORDS" > "$0"', str(tmp_path / "done")], PAPER)
        fleet.complete("work")

        assert (tmp_path / "done").read_text() == "out of paper\n"
        assert programs_in(tmp_path) == []
        assert fleet.revive() == {}


def test_work_that_fails_is_said_with_its_last_words(tmp_path: Path) -> None:
    with Fleet(tmp_path, {}) as fleet:
        fleet.start("work", ["sh", "-c", 'echo "$WORDS"; exit 3'], PAPER)

        with pytest.raises(ProgramEnded, match=r"work ended with code 3[\s\S]*out of paper"):
            fleet.complete("work")


def test_work_is_interrupted_by_a_signal(tmp_path: Path) -> None:
    with ending_in_order() as stop, Fleet(tmp_path, {}, stop) as fleet:
        fleet.start("work", ["sleep", "600"])
        [program] = programs_in(tmp_path)
        signal.raise_signal(signal.SIGTERM)

        with pytest.raises(KeyboardInterrupt):
            fleet.complete("work")
    assert has_ended(program)
