"""Programs that a run starts: what they are given, what is made of them, and how they end."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.exceptions import (
    InvalidDelay,
    InvalidName,
    InvalidProgram,
    ProgramFailed,
)
from offload.models import Job
from offload.operations.handles import JobHandle
from offload.worker.programs import running as programs
from offload.worker.tasks.current_job import end_log
from offload.worker.tasks.run_files import Inputs
from tests.integration.worker.programs.runs import made, progress, python

if TYPE_CHECKING:
    from pathlib import Path

    from offload.worker.tasks.current_job import CurrentJob


def test_the_files_that_a_program_leaves_in_its_folder_become_outputs(job: CurrentJob) -> None:
    code = """
import os
os.makedirs("renditions/empty folder")
open("renditions/48.png", "w").write("48")
open("empty", "w")
os.symlink("/etc/passwd", "link")
os.symlink("/etc", "folder")
os.mkfifo("pipe")
"""
    result = job.run_program(python(code))

    assert made() == {"renditions/48.png": b"48", "empty": b""}
    assert [file.name for file in result.outputs] == ["empty", "renditions/48.png"]


def test_the_files_to_add_are_chosen_by_patterns_and_the_rest_stays_for_the_next_program(
    job: CurrentJob,
) -> None:
    job.run_program(python("for name in 'ab': open(name + '.txt', 'w')"), outputs=[])
    job.run_program(python("import os; print(*sorted(os.listdir()))"), outputs=["a*"], stdout="c")

    assert made() == {"a.txt": b""}
    assert sorted(path.name for path in job.scratch.folder("work").iterdir()) == ["b.txt", "c"]


def test_standard_output_may_become_a_file(job: CurrentJob) -> None:
    result = job.run_program(["printf", "%s", "b a"], stdout="folder/said.txt")

    assert made() == {"folder/said.txt": b"b a"}
    assert result.stdout == ""


def test_an_input_is_given_as_the_path_of_its_copy(job: CurrentJob, tmp_path: Path) -> None:
    handle = offload.submit("rooms/here", files={"-n.txt": b"b\na\n"})
    payload = Job.objects.get(pk=handle.id).payload_id
    inputs = Inputs(payload, job.scratch)

    job.run_program(["sort", inputs["-n.txt"]], stdout="sorted.txt")

    assert made() == {"sorted.txt": b"a\nb\n"}


def test_a_program_sees_its_folder_and_no_secrets_and_has_no_input(
    job: CurrentJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    code = "import os, sys; print(os.getcwd(), sys.stdin.read(), *os.environ.items(), sep='\\n')"

    result = job.run_program(python(code), env={"TOKEN": "given"})

    folder, nothing, *variables = result.stdout.split("\n")
    assert folder == str(job.scratch.folder("work"))
    assert nothing.startswith("('") or not nothing
    assert "secret" not in str(variables)
    assert "('TOKEN', 'given')" in variables


def test_a_failure_says_the_status_and_the_last_lines(job: CurrentJob) -> None:
    code = "import sys; print(*range(100), sep='\\n', file=sys.stderr); sys.exit(3)"

    with pytest.raises(ProgramFailed, match="ended with status 3") as caught:
        job.run_program(python(code))

    error = caught.value
    assert (error.status, error.program) == (3, os.path.basename(sys.executable))
    assert error.stderr.split("\n") == [str(number) for number in range(80, 100)]
    first, *rest = str(error).split("\n")
    assert first.endswith("failed: it ended with status 3. It said: 99")
    assert rest[-2:] == ["98", "99"]


def test_a_signal_is_named(job: CurrentJob) -> None:
    code = "import os; os.kill(os.getpid(), 11)"

    with pytest.raises(ProgramFailed, match=r"killed by SIGSEGV \(11\)") as caught:
        job.run_program(python(code))

    assert caught.value.status == -11


def test_a_program_that_is_not_here_or_makes_nothing_has_failed(job: CurrentJob) -> None:
    with pytest.raises(ProgramFailed, match="this host does not have it: it is in no folder of"):
        job.run_program(["no-such-program"])
    with pytest.raises(ProgramFailed, match=r"it made no file '\*.png'; there are: 'a.txt'"):
        job.run_program(["touch", "a.txt"], outputs=["*.txt", "*.png"])

    assert made() == {}


def test_wrong_calls_are_refused_before_anything_runs(job: CurrentJob) -> None:
    with pytest.raises(InvalidProgram, match="no shell"):
        job.run_program("touch a")
    with pytest.raises(InvalidProgram, match="no list of patterns"):
        job.run_program(["touch", "a"], outputs="a")
    with pytest.raises(InvalidName):
        job.run_program(["touch", "a"], stdout="../a")
    for timeout in ("x", -1, float("nan")):
        with pytest.raises(InvalidDelay, match="timeout"):
            job.run_program(["touch", "a"], timeout=timeout)  # type: ignore[arg-type]

    assert made() == {}


def test_a_name_that_could_be_a_path_elsewhere_is_refused(job: CurrentJob) -> None:
    with pytest.raises(InvalidName, match="backslash"):
        job.run_program(python("open('a\\\\\\\\b', 'w')"))


def test_output_is_logged_up_to_a_limit_and_reported(
    job: CurrentJob, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "offload.program")

    job.run_program(python("print(*range(2000), sep='\\n')"))

    lines = [one.getMessage() for one in caplog.records if one.name == "offload.program"]
    assert len(lines) == programs.LOGGED_LINES + 1
    assert lines[0] == f"job {job.id}: {os.path.basename(sys.executable)}: 0"
    assert "left out" in lines[-1]
    assert progress(job)["message"] == "1999"
    end_log(job)
    kept = JobHandle(job.id).logs()
    assert len(kept) == 500
    assert kept[-1].text.endswith(": 1999")
    assert any("left out" in one.text for one in kept)


def test_progress_is_read_from_lines(job: CurrentJob) -> None:
    def read(line: str) -> tuple[float, float] | None:
        word, _, number = line.partition(" ")
        return (float(number), 4.0) if word == "frame" else None

    job.run_program(python("print('frame 1\\rframe 3\\rother')"), progress=read)

    assert progress(job) == {
        "current": 3.0, "total": 4.0, "message": "frame 3",
    }  # fmt: skip
