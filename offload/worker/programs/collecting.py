"""The files that a program leaves in its folder, as outputs of its job."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from offload.core.exceptions import ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO

    from offload.models import PayloadFile


def collect(
    folder: Path,
    patterns: Sequence[str] | None,
    add: Callable[[str, IO[bytes]], PayloadFile],
    program: str,
) -> list[PayloadFile]:
    """Add the files of a folder that match a pattern, all if it is None, and remove them there.

    Raise ProgramFailed if there is none for a pattern.
    """
    found = sorted(_files(folder, ""))
    for pattern in patterns or ():
        if not any(fnmatchcase(name, pattern) for name in found):
            made = ", ".join(repr(name) for name in found[:20]) or "none"
            problem = f"it made no file {pattern!r:.100}; there are: {made:.500}"
            raise ProgramFailed(program=program, problem=problem)
    wanted = [
        name
        for name in found
        if patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
    return [_taken(folder / name, name, add) for name in wanted]


def _taken(path: Path, name: str, add: Callable[[str, IO[bytes]], PayloadFile]) -> PayloadFile:
    # A program that runs on could put a link in the file's place.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        added = add(name, file)
    path.unlink()
    return added


def _files(folder: Path, above: str) -> Iterator[str]:
    """Yield the names of regular files; links may lead anywhere, and are left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{above}{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _files(Path(entry.path), f"{name}/")
            elif stat.S_ISREG(mode):
                yield name
