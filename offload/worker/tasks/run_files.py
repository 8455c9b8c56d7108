"""The files of a running job: those that came with it, and those that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.exceptions import MissingFile
from offload.files import outputs
from offload.files.given_files import given_files
from offload.files.inputs import InputFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.attempt_key import AttemptKey
    from offload.files.payloads import Source
    from offload.files.scratch import Scratch
    from offload.models import Payload, PayloadFile


@dataclass(slots=True)
class FilesRead:
    """The rows of its files that a run has read: nobody changes them while it runs."""

    inputs: list[PayloadFile] | None = None
    #: The payload that came with the job.
    payload: Payload | None = None

    def note(self, files: list[PayloadFile]) -> list[PayloadFile]:
        """Remember the payload of these files; return them."""
        if files:
            self.payload = files[0].payload
        return files


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that came with a job, by name."""

    payload_id: str | None
    scratch: Scratch
    #: The names of files that earlier steps of its run have made for it.
    made: tuple[str, ...] = ()
    read: FilesRead = field(default_factory=FilesRead, repr=False, compare=False)

    def __getitem__(self, name: str) -> InputFile:
        """Return the file of that name; raise MissingFile if there is none."""
        found = {file.name: file for file in self}
        if name not in found:
            raise MissingFile(name=name, known=tuple(sorted(found)))
        return found[name]

    def __iter__(self) -> Iterator[InputFile]:
        """Iterate over the files."""
        return (InputFile.of(row, self.scratch) for row in self._files())

    def _files(self) -> list[PayloadFile]:
        if self.read.inputs is None:
            self.read.inputs = self.read.note(given_files(self.payload_id, self.made))
        return self.read.inputs

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._files())


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a job makes; others see them only once the job has ended."""

    key: AttemptKey
    payload_id: str | None
    read: FilesRead = field(default_factory=FilesRead, repr=False, compare=False)

    def add(self, name: str, source: Source, *, media_type: str | None = None) -> PayloadFile:
        """Store a file under this name and return its row.

        ``name`` may have folders, as ``renditions/48.png``; ``source`` is a path, bytes, or a file
        opened for reading bytes; ``media_type`` is told by name and content if it is None. Raise
        InvalidName, InvalidFile, MissingFile, UnreadableFile or FileNotStored for the file, and
        StaleAttempt if a newer attempt has replaced this one.
        """
        payload = self._payload() if self.payload_id else None
        return outputs.add(self.key, name, source, media_type=media_type, payload=payload)

    def _payload(self) -> Payload:
        """Return the payload that came with the job; one that is made now may be rolled back."""
        if self.read.payload is None:
            self.read.payload = outputs.payload_of(self.key)
        return self.read.payload
