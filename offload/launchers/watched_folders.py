"""Watched folders: what lies in them, without following links out of them."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files import File

from offload.core.exceptions import InvalidPath
from offload.core.launchers.paths import check_path
from offload.core.launchers.stillness import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Files of one watched folder that are looked at; the rest waits until some are gone.
FILES_MAX = 100_000
#: Why a link is not followed.
LINK = "it is a symbolic link, which may lead out of the folder"
INSTEAD = "Put the file itself into the folder."


@dataclass(slots=True)
class Found:
    """The files of a folder, and what is no file that may be launched."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    #: By path: why it is refused.
    refused: dict[str, InvalidPath] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """Tell whether no more files are looked at."""
        return len(self.stamps) + len(self.refused) >= FILES_MAX


def scanned(name: str, folder: Path) -> Found:
    """Return the files in a folder and below it; raise OSError if it cannot be read.

    Paths begin with ``name``. Hidden files, whose name begins with a dot, are left out.
    """
    found = Found()
    pending = [(name, folder)]
    while pending and not found.is_full:
        path, place = pending.pop()
        try:
            pending.extend(_entries(path, place, found))
        except (FileNotFoundError, NotADirectoryError):
            if place == folder:
                raise
    return found


def _entries(prefix: str, place: Path, found: Found) -> Iterator[tuple[str, Path]]:
    with os.scandir(place) as entries:
        for entry in entries:
            if found.is_full:
                return
            if entry.name.startswith("."):
                continue
            path = f"{prefix}/{entry.name}"
            if entry.is_symlink():
                found.refused[path] = InvalidPath(path=path, problem=LINK, instead=INSTEAD)
            elif entry.is_dir(follow_symlinks=False):
                yield path, Path(entry.path)
            elif entry.is_file(follow_symlinks=False):
                _note(path, entry, found)


def _note(path: str, entry: os.DirEntry[str], found: Found) -> None:
    try:
        check_path(path)
        found.stamps[path] = _stamp(entry.stat(follow_symlinks=False))
    except InvalidPath as error:
        found.refused[path] = error
    except FileNotFoundError:
        # It was deleted at once.
        return


def _stamp(facts: os.stat_result) -> Stamp:
    return Stamp(facts.st_size, facts.st_mtime_ns)


def stamp_of(file: Path) -> Stamp | None:
    """Return the state of a file now; None if it is gone."""
    try:
        return _stamp(file.lstat())
    except OSError:
        return None


def located(folder: Path, path: str) -> Path:
    """Return the file of a path below a folder.

    Raise InvalidPath if it is not in the folder, or a part of it is a symbolic link.
    """
    root = folder.resolve()
    file = root / check_path(path)
    if file.resolve() != file:
        problem = "it, or a folder on the way to it, is a symbolic link"
        raise InvalidPath(path=path, problem=problem, instead=INSTEAD)
    return file


def below(folder: Path, file: Path) -> str:
    """Return the path of a file relative to a folder.

    Raise InvalidPath if it is not in the folder, also by a symbolic link.
    """
    try:
        root, whole = folder.resolve(), Path(os.path.abspath(file))
        real = whole.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        # Such as a character NUL, or links in a circle.
        problem = f"the system cannot look for it: {error}"
        raise InvalidPath(path=str(file), problem=problem, instead="Name a file.") from error
    if not real.is_relative_to(root):
        problem = f"it is not in the folder {str(folder)!r:.200}"
        raise InvalidPath(path=str(file), problem=problem, instead="Name a file in that folder.")
    if whole.is_symlink():
        raise InvalidPath(path=str(file), problem=LINK, instead=INSTEAD)
    return check_path(str(real.relative_to(root)))


@contextmanager
def opened(file: Path) -> Iterator[File[bytes]]:
    """Yield a regular file opened for reading; a link put in its place is refused by the system.

    Raise OSError if it is gone, or cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened_file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{file} is no regular file")
        yield File(opened_file, name=file.name)
