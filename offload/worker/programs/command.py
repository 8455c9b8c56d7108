"""A command as a list of texts, its program found, its inputs as paths."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from offload.core.exceptions import InvalidProgram, ProgramFailed
from offload.files.inputs import InputFile

#: A part of a command: text, a number, a path, or an input, for the path of its local copy.
Part: TypeAlias = "str | int | float | os.PathLike[str] | InputFile"


def words(command: object) -> list[str]:
    """Return the words of a command; raise InvalidProgram if it is no list of them."""
    if isinstance(command, str | bytes) or not isinstance(command, Sequence) or not command:
        problem = f"it is given as {type(command).__name__}, and there is no shell to read it"
        raise InvalidProgram(problem=problem if command else "nothing is to be run")
    return [_word(part) for part in command]


def _word(part: object) -> str:
    if isinstance(part, InputFile):
        part = part.path()
    if isinstance(part, bool) or not isinstance(part, str | int | float | os.PathLike):
        raise InvalidProgram(problem=f"{part!r:.100} is of type {type(part).__name__}")
    return _text(os.fspath(part) if isinstance(part, os.PathLike) else str(part))


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise InvalidProgram(problem=f"{value!r:.100} is no text, or has a NUL in it")
    return value


def variables(given: Mapping[Any, Any] | None) -> dict[str, str]:
    """Return environment variables as they are; raise InvalidProgram if they are no texts."""
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not isinstance(value, str) or "=" in name or not name:
            raise InvalidProgram(problem=f"env= has {name!r:.100}, and takes names and texts")
        _text(name + value)
    return dict(given or {})


def program_of(name: str, search: str) -> str:
    """Return the absolute path of a program, searched in these folders.

    Raise ProgramFailed if it is not on this host: another instance may have it.
    """
    found = shutil.which(name, path=search)
    if found is None:
        where = "it is no program" if os.sep in name else f"it is in no folder of {search}"
        raise ProgramFailed(program=name, problem=f"this host does not have it: {where}")
    return str(Path(found).absolute())
