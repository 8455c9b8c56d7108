"""The words of a command, and the environment of a program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from offload.core.exceptions import InvalidProgram, ProgramFailed
from offload.worker.programs.command import program_of, variables, words
from offload.worker.programs.environment import environment


def test_words_are_texts_numbers_and_paths() -> None:
    assert words(["sort", "-n", 3, 0.5, Path("/a b"), ""]) == ["sort", "-n", "3", "0.5", "/a b", ""]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("sort -n", "there is no shell"),
        ([], "nothing is to be run"),
        (["sort", None], "None is of type NoneType"),
        (["sort", True], "True is of type bool"),
        (["sort", "a\0b"], "NUL"),
        (["sort", b"a"], "of type bytes"),
    ],
)
def test_another_command_is_refused(command: Any, problem: str) -> None:
    with pytest.raises(InvalidProgram, match=problem):
        words(command)


@pytest.mark.parametrize("given", [{"A": 1}, {1: "a"}, {"A=B": "c"}, {"": "a"}, {"A": "b\0"}])
def test_other_variables_are_refused(given: Any) -> None:
    with pytest.raises(InvalidProgram):
        variables(given)


def test_a_program_is_found_by_name_or_path() -> None:
    folder, _, name = sys.executable.rpartition("/")

    assert program_of(name, folder) == sys.executable
    assert program_of(sys.executable, "") == sys.executable


@pytest.mark.parametrize(("name", "problem"), [("no-such", "in no folder of /bin"), ("/", "is no")])
def test_a_program_that_is_not_there_is_said_so(name: str, problem: str) -> None:
    with pytest.raises(ProgramFailed, match=problem) as caught:
        program_of(name, "/bin")

    assert caught.value.status is None


def test_a_program_gets_no_variables_but_those_of_languages_and_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "PYTHONPATH", "LD_PRELOAD"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    found = environment(Path("/run/scratch"), {"TMPDIR": "/mine", "TOKEN": "given"})

    assert "secret" not in found.values()
    assert found["PATH"] == "/usr/bin"
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["HOME"] == "/run/scratch"
    assert found["OFFLOAD_RUN"] == "/run"
    assert (found["TMPDIR"], found["TOKEN"]) == ("/mine", "given")
