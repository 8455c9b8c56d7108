"""Scratch folders: places on this host's disk for a run, which are removed whoever dies.

Each has a lock file, which its process holds. So whoever finds the lock free knows that the process
is dead, whatever has its pid by now, and may end its programs and remove the folder.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.db import database
from offload.files import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("offload.scratch")

LOCK = ".lock"


class Scratch:
    """The scratch folder of a run; made when it is first needed."""

    def __init__(self) -> None:
        self._place: Path | None = None
        self._lock = -1
        #: Local files by the row that they are copied of.
        self.paths: dict[int, Path] = {}

    def folder(self, name: str) -> Path:
        """Return a folder in it; raise ConfigurationError if there can be none."""
        if self._place is None:
            self._place, self._lock = _made(root())
        found = self._place / name
        found.mkdir(mode=0o700, exist_ok=True)
        return found

    @property
    def place(self) -> Path | None:
        """Return the whole folder, or None if none was needed."""
        return self._place

    @contextmanager
    def noting(self, program: descendants.Identity) -> Iterator[None]:
        """Have a program ended, and all that it started, if this process dies in the block."""
        os.pwrite(self._lock, json.dumps(program).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(self._lock, 0)

    def remove(self) -> None:
        """Remove it with all that is in it; log what cannot be removed."""
        place, lock = self._place, self._lock
        self._place, self._lock = None, -1
        self.paths.clear()
        if place is not None:
            try:
                _remove(place)
            finally:
                os.close(lock)


def root() -> Path:
    """Return this user's folder for scratch folders; make it if need be.

    Raise ConfigurationError if it cannot be made, or belongs to somebody else.
    """
    home = Path(settings().scratch or tempfile.gettempdir())
    found = home / f"offload-scratch-{os.getuid()}"
    try:
        found.mkdir(mode=0o700, exist_ok=True)
        there = found.lstat()
    except OSError as error:
        raise ConfigurationError(
            setting='OFFLOAD["SCRATCH"]', problem=f"{found}: {error.strerror}"
        ) from error
    if there.st_uid != os.getuid() or there.st_mode & 0o170077 != 0o040000:
        problem = f"{found} is no folder of this user's alone; remove it"
        raise ConfigurationError(setting='OFFLOAD["SCRATCH"]', problem=problem)
    return found


def site() -> str:
    """Return a short text that no other site on this host has."""
    facts = database.connection().settings_dict
    mine = [settings().cluster, *(str(facts.get(key, "")) for key in ("NAME", "HOST", "PORT"))]
    return sha256(json.dumps(mine).encode()).hexdigest()[:12]


def sweep() -> int:
    """End the programs and remove the scratch folders of dead processes; return how many."""
    return sum(_swept(lock) for lock in list(root().glob(f"*{LOCK}")))


def _made(home: Path) -> tuple[Path, int]:
    """Make a folder with its lock; a sweep that came between has removed both, so try again."""
    while True:
        place = home / str(uuid7())
        lock = os.open(place.with_suffix(LOCK), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if _take(lock):
            place.mkdir(mode=0o700)
            return place, lock
        os.close(lock)


def _take(lock: int) -> bool:
    """Take a lock; return whether it was free, and its file still there."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(lock).st_nlink > 0


def _swept(path: Path) -> bool:
    with suppress(FileNotFoundError):
        lock = os.open(path, os.O_RDWR)
        try:
            if not _take(lock):
                return False
            if program := _noted(lock):
                descendants.end(program)
            place = path.with_suffix("")
            descendants.end_marked(str(place))
            _remove(place)
        finally:
            os.close(lock)
        return True
    return False


def _noted(lock: int) -> descendants.Identity | None:
    with suppress(ValueError, TypeError):
        pid, started = json.loads(os.pread(lock, 200, 0))
        return descendants.Identity(int(pid), float(started))
    return None


def _remove(place: Path) -> None:
    """Remove a folder, then its lock; if something is left, the next sweep tries again."""
    for _ in range(2):
        shutil.rmtree(place, onerror=_open_up)
    if place.exists():
        logger.warning("the scratch folder %s is left over, and is tried again later", place)
        return
    place.with_suffix(LOCK).unlink(missing_ok=True)


def _open_up(_: Any, path: str, error: Any) -> None:
    """Make a folder that a program closed writable, for the second try."""
    with suppress(OSError):
        os.chmod(os.path.dirname(path), 0o700)
        if not os.path.islink(path):
            os.chmod(path, 0o700)


def sizes(place: Path) -> Iterator[tuple[int, str]]:
    """Yield the bytes on disk, and the name, of each file in a folder, however deep."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    yield from sizes(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False).st_blocks * 512, entry.name
