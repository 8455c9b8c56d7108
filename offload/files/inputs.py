"""The files that came with a job, as its run sees them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import NoSpace, SourceCorrupt
from offload.core.files.suffixes import suffix_of
from offload.core.transfers.limits import TransferLimits, check_space
from offload.files.payloads import PAYLOAD_CHUNK_BYTES
from offload.files.transports.staging import is_full

if TYPE_CHECKING:
    from pathlib import Path

    from django.core.files import File

    from offload.files.scratch import Scratch
    from offload.models import PayloadFile


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that came with a job."""

    row: PayloadFile = field(repr=False)
    _scratch: Scratch = field(repr=False)
    name: str
    #: Bytes.
    size: int
    media_type: str
    #: Hexadecimal.
    sha256: str

    @classmethod
    def of(cls, row: PayloadFile, scratch: Scratch) -> InputFile:
        """Return the file of a row."""
        return cls(row, scratch, row.name, row.size, row.media_type, row.sha256)

    def open(self) -> File[bytes]:
        """Return the file, opened for reading bytes."""
        return self.row.open()

    def path(self) -> Path:
        """Return the path of a local copy, for programs that need one; the same at each call.

        It is valid until the run ends, and is removed then. It has the suffix of the file's name,
        and nothing else of it. It is always a copy, so a program that writes to it changes neither
        the job's file nor what another attempt finds. Raise SourceCorrupt if the storage has other
        bytes than were stored, NoSpace if the disk has no room.
        """
        known = self._scratch.paths.get(self.row.pk)
        if known is None:
            known = self._scratch.paths[self.row.pk] = self._copied()
        return known

    def _copied(self) -> Path:
        folder = self._scratch.folder("inputs")
        limits = TransferLimits(free_bytes=settings().min_free)
        free = shutil.disk_usage(folder).free
        check_space(limits, name=self.name, needed=self.size, free=free)
        path = folder / f"{self.row.pk}{suffix_of(self.name)}"
        try:
            found = _copy(self, path)
        except OSError as error:
            path.unlink(missing_ok=True)
            if is_full(error):
                raise NoSpace(name=self.name, problem=str(error.strerror)) from error
            raise
        if found != self.sha256:
            path.unlink()
            problem = "the storage has other bytes than were stored"
            raise SourceCorrupt(name=self.name, problem=problem)
        return path


def _copy(file: InputFile, path: Path) -> str:
    """Copy a file's content in constant memory, and return its SHA-256."""
    digest = sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with file.open() as source, os.fdopen(os.open(path, flags, 0o600), "wb") as target:
        while chunk := source.read(PAYLOAD_CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()
