"""Parts: files on their way that have a name, so that another agent goes on where one died.

A part lies in the storage that the file will be in, at a location that the file's row names: it is
deleted with what the row says (G2), whoever dies, and takes its place without being copied.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from uuid_utils import uuid7

from offload.models import stores

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import FileDescription

#: The folder of parts in a storage.
FOLDER = "parts"
#: Smaller files begin anew.
LEAST_BYTES = 1 << 20


class MovableFile(File):  # type: ignore[type-arg]
    """An open file that a storage on the same disk takes as it is, without copying it."""

    def __init__(self, file: IO[Any], path: Path) -> None:
        """Take the open file at a path."""
        super().__init__(file, path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Return the path, as Django's storages ask for it."""
        return str(self._path)


def new_part(alias: str, file: FileDescription) -> str:
    """Return a location for the part of a file in a storage; "" if it begins anew each time."""
    is_kept = file.size >= LEAST_BYTES and isinstance(stores.storage(alias), FileSystemStorage)
    return f"{FOLDER}/{uuid7()}" if is_kept else ""


def path_of(alias: str, part: str) -> Path | None:
    """Return the path of a part, or None if there is none."""
    storage = stores.storage(alias)
    if not part or not isinstance(storage, FileSystemStorage):
        return None
    return Path(storage.path(part))


def size_of(path: Path | None) -> int:
    """Return how many bytes of a file are there."""
    try:
        return path.stat().st_size if path else 0
    except FileNotFoundError:
        return 0


def opened(path: Path) -> IO[bytes] | None:
    """Open a part for this call alone; return None if another process still writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(handle, path):
            return os.fdopen(handle, "r+b")
    except BlockingIOError:
        pass
    os.close(handle)
    return None


def is_at(handle: int, path: Path) -> bool:
    """Return whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
