"""A folder that only one process at a time may work in."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FolderInUse(Exception):
    """Another demo or site works in the folder."""

    def __init__(self, *, folder: Path, pid: str) -> None:
        self.folder = folder
        self.pid = pid
        super().__init__(
            f"The demo or the site runs already on the files in {folder} (process {pid}). "
            "End it first, or name another folder in OFFLOAD_VAR."
        )


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep the folder for the block; raise FolderInUse if another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "claim").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise FolderInUse(folder=folder, pid=file.read()) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
