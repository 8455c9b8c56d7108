"""Uploads that home has received in part, as files of a folder; several servers may share it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from offload.core.exceptions import InvalidTicket, TransferFailed
from offload.core.transfers.descriptions import parse_transfer
from offload.files.transports.parts import MovableFile, is_at
from offload.files.transports.staging import telling
from offload.files.transports.transport import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from offload.core.transfers.descriptions import Transfer
    from offload.core.transfers.ranges import Part


#: The suffix of the files that say which jobs uploads are for.
NOTE = ".job"


class Body(Protocol):
    """The body of a request."""

    def read(self, most: int, /) -> bytes:
        """Return the next bytes."""


class BeingStored(Exception):
    """Another request stores the file at this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFolder:
    """Files on their way to home, named by the keys of their transfers."""

    path: Path
    #: Seconds without a new byte after which an upload is given up.
    keep: float = 86_400.0

    def size(self, transfer: Transfer) -> int:
        """Return how many bytes of a file are there; raise BeingStored if it is complete."""
        self._check(transfer)
        try:
            return self._part(transfer).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, transfer: Transfer, part: Part, stream: Body) -> None:
        """Write a part that begins where the file ends, as far as its bytes come.

        Raise NoSpace, with the file removed, or TransferFailed.
        """
        self._note(transfer)
        with self._discarding_if_full(transfer), _opened(self._part(transfer)) as handle:
            place = part.start
            while place < part.stop and (chunk := _read(stream, part.stop - place)):
                if not self._write(transfer, handle, chunk, place):
                    return
                place += len(chunk)

    def _write(self, transfer: Transfer, handle: int, chunk: bytes, place: int) -> bool:
        """Write at a place; return False if the file was completed or removed meanwhile.

        A request whose client is gone may go on reading late bytes. They are the same bytes at the
        same place, and nothing is written once another request has begun to verify the file.
        """
        with _locked(handle):
            if not is_at(handle, self._part(transfer)):
                return False
            written = 0
            while written < len(chunk):
                written += os.pwrite(handle, chunk[written:], place + written)
            return True

    @contextmanager
    def claim(self, transfer: Transfer) -> Iterator[MovableFile]:
        """Open a complete file for reading, for this request alone; remove it after the block.

        Raise BeingStored if another request has it.
        """
        self._check(transfer)
        claimed = self._claimed(transfer)
        try:
            file = self._part(transfer).open("r+b")
        except FileNotFoundError:
            raise BeingStored from None
        with file, _locked(file.fileno()):
            if not is_at(file.fileno(), self._part(transfer)):
                raise BeingStored
            self._part(transfer).rename(claimed)
            try:
                yield MovableFile(file, claimed)
            except TransferFailed:
                # Its storage may be there again at the next try, unless that has taken it.
                with suppress(FileNotFoundError):
                    claimed.rename(self._part(transfer))
                raise
            else:
                self._noted(transfer).unlink(missing_ok=True)
            finally:
                claimed.unlink(missing_ok=True)

    def discard(self, transfer: Transfer) -> None:
        """Remove what is there of a file."""
        self._part(transfer).unlink(missing_ok=True)
        self._noted(transfer).unlink(missing_ok=True)

    def purge(self, is_open: Callable[[Transfer], bool]) -> None:
        """Remove uploads of jobs that are over, and those that were given up."""
        limit = time.time() - self.keep
        for path in self.path.iterdir():
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < limit:
                    path.unlink()
                elif path.suffix == NOTE:
                    self._discard_if_over(path, is_open)

    def _discard_if_over(self, note: Path, is_open: Callable[[Transfer], bool]) -> None:
        with suppress(ValueError, InvalidTicket):
            transfer = parse_transfer(json.loads(note.read_text(encoding="utf-8")))
            if not is_open(transfer):
                self.discard(transfer)

    def _note(self, transfer: Transfer) -> None:
        """Note which job an upload is for."""
        with telling(transfer.file.name):
            self._noted(transfer).write_text(json.dumps(transfer.packed()), encoding="utf-8")

    def _noted(self, transfer: Transfer) -> Path:
        return self.path / f"{transfer.key}{NOTE}"

    def _part(self, transfer: Transfer) -> Path:
        return self.path / f"{transfer.key}.part"

    def _claimed(self, transfer: Transfer) -> Path:
        return self.path / f"{transfer.key}.claimed"

    def _check(self, transfer: Transfer) -> None:
        """Raise BeingStored if a request stores the file; remove what one that died left."""
        claimed = self._claimed(transfer)
        with suppress(FileNotFoundError), claimed.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BeingStored from None
            claimed.unlink(missing_ok=True)

    @contextmanager
    def _discarding_if_full(self, transfer: Transfer) -> Iterator[None]:
        with telling(transfer.file.name):
            try:
                yield
            except OSError:
                self.discard(transfer)
                raise


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a file for writing at any place, which appending would not allow."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def whole(stream: Body, size: int) -> bytes:
    """Return so many bytes of a request, or fewer if its client is gone."""
    found = b""
    while len(found) < size and (chunk := _read(stream, size - len(found))):
        found += chunk
    return found


def _read(stream: Body, most: int) -> bytes:
    """Return the next bytes of a request; none if its client is gone."""
    try:
        return stream.read(min(most, CHUNK_BYTES))
    except OSError:
        return b""


@contextmanager
def _locked(handle: int) -> Iterator[None]:
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
