"""Files on their way: staged on the receiver's disk, counted on the sender's side.

A staged file has no name in any folder, so nothing of it is left however its process ends; or it is
a part, which a row names.
"""

from __future__ import annotations

import errno
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.files import File
from uuid_utils import uuid7

from offload.core.exceptions import FileNotStored, NoSpace, SourceCorrupt, TransferFailed
from offload.files.payloads import Stored
from offload.files.storing import store
from offload.files.transports import parts
from offload.files.transports.parts import MovableFile
from offload.files.transports.transport import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offload.core.transfers.descriptions import FileDescription
    from offload.files.transports.watching import Timer

#: The largest file that is on its way in memory.
SPOOLED_BYTES = 1 << 20
#: The error numbers of a full disk, or of an exceeded quota.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StagedFile:
    """The bytes that the receiver has of a file so far, on its disk."""

    def __init__(
        self,
        file: FileDescription,
        timer: Timer,
        folder: Path | None = None,
        *,
        part: Path | None = None,
    ) -> None:
        """Go on with the bytes of a part, unless another process has it; or begin in a folder."""
        self.file = file
        self.size = 0
        #: The sender's name for the version that the bytes are of.
        self.validator = ""
        self._timer = timer
        self._found = sha256()
        with telling(file.name):
            mine = parts.opened(part) if part else None
            self._part = None if mine is None else part
            self._content: IO[bytes] = mine or _unnamed(folder)
            if mine is not None:
                self._go_on()

    def _go_on(self) -> None:
        """Count the bytes that an earlier try has left."""
        while chunk := self._content.read(CHUNK_BYTES):
            self._found.update(chunk)
            self.size += len(chunk)
        if self.size > self.file.size:
            self.restart()
        if self.size:
            self._timer.watch.count(self.file, self.size)
            self._timer.watch.report(self.file, self.size)

    def __enter__(self) -> StagedFile:
        """Return it; its bytes are gone after the block."""
        return self

    def __exit__(self, *_: object) -> None:
        with telling(self.file.name):
            self._content.close()

    @property
    def missing(self) -> int:
        """Return how many bytes it lacks."""
        return self.file.size - self.size

    def append(self, chunk: bytes, *, is_here: bool = False) -> None:
        """Add bytes, of the other side's or, if ``is_here``, of this one's own.

        Raise SourceCorrupt if they are more than were announced, NoSpace if the disk is full,
        TimedOut if the time is over.
        """
        self._timer.check()
        if len(chunk) > self.missing:
            problem = f"more than the {self.file.size:,} bytes that were announced came"
            raise SourceCorrupt(name=self.file.name, problem=problem)
        with telling(self.file.name):
            self._content.write(chunk)
        self._found.update(chunk)
        self.size += len(chunk)
        if not is_here:
            self._timer.watch.count(self.file, len(chunk))
        self._timer.watch.report(self.file, self.size)

    def restart(self) -> None:
        """Forget all bytes."""
        with telling(self.file.name):
            self._content.seek(0)
            self._content.truncate()
        self._found = sha256()
        self.size = 0

    def is_right(self) -> bool:
        """Return whether it has the bytes that were announced, all of them."""
        return not self.missing and self._found.hexdigest() == self.file.sha256

    def store(self, alias: str, folder: str, location: str = "") -> Stored:
        """Put a file that `is_right` into a storage; raise NoSpace or TransferFailed."""
        with telling(self.file.name):
            self._content.seek(0)
        moved = MovableFile(self._content, self._part) if self._part else File(self._content)
        return keep(self.file, moved, alias, folder, location)


def _unnamed(folder: Path | None) -> IO[bytes]:
    """Return a file that has no name; a small one stays in memory."""
    place = None if folder is None else str(folder)
    # It does what files of bytes do, and is of no type in common.
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(SPOOLED_BYTES, dir=place))


class SentFile:
    """The count of bytes that the receiver has of a file from this side."""

    def __init__(self, file: FileDescription, timer: Timer, *, rejections: int = 3) -> None:
        """Allow the receiver to reject all bytes that many times."""
        self.file = file
        self.size = 0
        self._timer = timer
        self._rejections = rejections

    def note(self, size: int) -> None:
        """Note how many bytes the receiver has; raise TimedOut if the time is over."""
        self.size = size
        self._timer.watch.report(self.file, size)
        self.check()

    def count(self, size: int) -> None:
        """Count bytes that were sent; they may be cut."""
        self._timer.watch.count(self.file, size)

    def reject(self) -> None:
        """Count that the receiver got other bytes; raise SourceCorrupt if it was too often."""
        self._rejections -= 1
        if not self._rejections:
            raise SourceCorrupt(name=self.file.name, problem="what came has another SHA-256")

    def check(self) -> None:
        """Raise TimedOut if the time is over."""
        self._timer.check()


def digest(content: IO[bytes]) -> str:
    """Return the SHA-256 of what is left to read of a file, in constant memory."""
    found = sha256()
    while chunk := content.read(CHUNK_BYTES):
        found.update(chunk)
    return found.hexdigest()


def keep(
    file: FileDescription, content: File[Any], alias: str, folder: str, location: str = ""
) -> Stored:
    """Put the verified content of a file into a storage, at an unused location or one made up here.

    Raise NoSpace or TransferFailed; then nothing of it is left.
    """
    try:
        location = store(alias, location or f"{folder}/{uuid7()}", content, name=file.name)
    except FileNotStored as error:
        if is_full(error.__cause__):
            raise NoSpace(name=file.name, problem=error.problem) from error
        raise TransferFailed(name=file.name, problem=error.problem) from error
    return Stored(
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        sha256=file.sha256,
        location=location,
    )


def is_full(error: BaseException | None) -> bool:
    """Return whether an error says that the disk is full."""
    return isinstance(error, OSError) and error.errno in FULL


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Turn errors of the disk in the block into NoSpace or TransferFailed."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or str(error)
        if is_full(error):
            raise NoSpace(name=name, problem=problem) from error
        raise TransferFailed(name=name, problem=problem) from error
