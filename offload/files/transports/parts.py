"""Parts: files on their way that have a name, so that another agent goes on where one died.

A part lies in the storage that the file will be in, at a location that the file's row names: it is
deleted with what the row says (G2), whoever dies, and takes its place without being copied. If that
storage is no folder, it lies in a folder of this host, and only an agent here can go on.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from uuid_utils import uuid7

from offload.files import scratch
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from offload.core.transfers.descriptions import FileDescription

#: The folder of parts in a storage, and the beginning of its name beside scratch folders.
FOLDER = "parts"
#: The beginning of the names of parts on a host.
HOST = "host:"
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
    if file.size < LEAST_BYTES:
        return ""
    is_folder = isinstance(stores.storage(alias), FileSystemStorage)
    return f"{FOLDER}/{uuid7()}" if is_folder else f"{HOST}{uuid7()}"


def path_of(alias: str, part: str) -> Path | None:
    """Return the path of a part, or None if there is none."""
    if part.startswith(HOST):
        return on_host() / part.removeprefix(HOST)
    storage = stores.storage(alias)
    if not part or not isinstance(storage, FileSystemStorage):
        return None
    return Path(storage.path(part))


def on_host() -> Path:
    """Return the folder of this site's parts on this host, which may not be there yet."""
    return scratch.root() / f"{FOLDER}-{scratch.site()}"


def unnamed(named: Callable[[Collection[str]], Collection[str]]) -> list[Path]:
    """Return the parts on this host of which ``named`` returns that no row names them any more."""
    with suppress(FileNotFoundError):
        there = {f"{HOST}{one.name}": one for one in on_host().iterdir()}
        return [there[one] for one in there.keys() - set(named(there.keys()))] if there else []
    return []


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
