"""Receiving the files of a job: all of them, verified and stored, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.storage import FileSystemStorage

from offload.core.exceptions import SourceCorrupt, TransferFailed
from offload.core.transfers.limits import TransferLimits, check_limits, check_space
from offload.core.transfers.tickets import HELD
from offload.core.transfers.tries import TransferPolicy
from offload.files.storing import remove, remove_folder
from offload.files.transports import parts
from offload.files.transports.concurrency import side_by_side
from offload.files.transports.sources import content_of
from offload.files.transports.staging import StagedFile
from offload.files.transports.transport import CHUNK_BYTES, transport_of
from offload.files.transports.trying import carry
from offload.files.transports.watching import Watch
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from offload.core.transfers.descriptions import FileDescription, Transfer
    from offload.core.transfers.tickets import Ticket
    from offload.files.payloads import Stored
    from offload.files.transports.transport import Source, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file that the other side announced, and the way to it."""

    transfer: Transfer
    ticket: Ticket
    #: Where it is stored, in the folder; made up if it is empty.
    location: str = ""
    #: Where its bytes lie in the storage until then, for whoever goes on; nowhere if it is empty.
    part: str = ""


def _nothing(_: FileDescription) -> Source | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReceiver:
    """Fetches files of jobs into a storage."""

    transports: Mapping[str, Transport]
    #: Alias in ``STORAGES``.
    storage: str
    #: The folder for files on their way; the system's for temporary files if it is None.
    staging: Path | None = None
    limits: TransferLimits = field(default_factory=TransferLimits)
    policy: TransferPolicy = field(default_factory=TransferPolicy)
    #: Files that are fetched at a time.
    threads: int = 4
    #: Returns the source of the same content if this side has it; it is then not fetched.
    held: Callable[[FileDescription], Source | None] = _nothing

    def receive(
        self, files: Sequence[IncomingFile], *, folder: str, watch: Watch | None = None
    ) -> list[Stored]:
        """Return the stored files, in order; each has the announced SHA-256.

        ``folder`` is a name made up on this side. Raise a FileProblem if one cannot be had; then
        none is stored.
        """
        self._check(files)
        stored: list[Stored] = []
        watch = watch or Watch()
        tasks = [partial(self._one, one, folder, watch, stored) for one in files]
        try:
            return side_by_side(tasks, threads=self.threads, cancelled=watch.cancelled)
        except BaseException:
            remove(self.storage, [one.location for one in stored])
            remove_folder(self.storage, folder)
            raise

    def _check(self, files: Sequence[IncomingFile]) -> None:
        """Raise TooLarge, InvalidTicket or NoSpace before anything is fetched."""
        check_limits(self.limits, [one.transfer.file for one in files])
        needs: Counter[int] = Counter()
        places = self._places(files)
        for place, needed in places:
            needs[os.stat(place).st_dev] += needed
        for place, _ in places:
            free = shutil.disk_usage(place).free
            name = files[0].transfer.file.name if files else ""
            needed = needs[os.stat(place).st_dev]
            check_space(self.limits, name=name, needed=needed, free=free)

    def _places(self, files: Sequence[IncomingFile]) -> list[tuple[Path, int]]:
        """Return the folders that files come to, and how many bytes each of them needs.

        Files without a part are on their way in one folder, and then copied into the other.
        """
        whole = sum(one.transfer.file.size for one in files)
        copied = sum(one.transfer.file.size for one in files if not one.part)
        staging = self.staging or Path(tempfile.gettempdir())
        storage = stores.storage(self.storage)
        here = sum(parts.size_of(parts.path_of(self.storage, one.part)) for one in files)
        if isinstance(storage, FileSystemStorage):
            root, needed = Path(storage.location), whole - here
        elif copied == whole:
            return [(staging, whole)]
        else:
            root, needed = parts.on_host(), whole - copied - here
        # The folder of a storage is made with its first file, as that of parts is.
        made = next(place for place in (root, *root.parents) if place.exists())
        return [(staging, copied), (made, needed)]

    def _one(
        self, incoming: IncomingFile, folder: str, watch: Watch, stored: list[Stored]
    ) -> Stored:
        file = incoming.transfer.file
        timer = watch.timer(file, self.policy.timeout)
        part = parts.path_of(self.storage, incoming.part)
        with StagedFile(file, timer, self.staging, part=part) as target:
            for fetch in self._ways(incoming, target):
                carry(self.policy, timer, target, fetch)
                if target.is_right():
                    kept = target.store(self.storage, folder, incoming.location)
                    stored.append(kept)
                    watch.report(file, file.size)
                    return kept
                target.restart()
        raise SourceCorrupt(name=file.name, problem="what came has another SHA-256")

    def _ways(self, incoming: IncomingFile, target: StagedFile) -> list[Callable[[], None]]:
        """Return the ways to get the file, to try in turn until the bytes are right."""
        file, ticket = incoming.transfer.file, incoming.ticket
        mine: list[Callable[[], None]] = []
        if (held := self.held(file)) is not None:
            mine.append(partial(_copy, held, target))
        if ticket.transport == HELD:
            if not mine:
                problem = "this side no longer has it; the other side must offer it again"
                raise TransferFailed(name=file.name, problem=problem)
            return mine
        transport = transport_of(self.transports, ticket, name=file.name)
        fetch = partial(transport.fetch, incoming.transfer, ticket, target)
        return [*mine, *[fetch] * self.policy.corrupt]


def _copy(source: Source, target: StagedFile) -> None:
    """Copy what this side has; if that fails, the file is fetched."""
    target.restart()
    with suppress(SourceCorrupt, TransferFailed), content_of(target.file, source) as content:
        while chunk := content.read(CHUNK_BYTES):
            target.append(chunk, is_here=True)
