"""The transport for tests: two sides in one process, and cuts where a test wants them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from offload.core.exceptions import TransferFailed, TransferRefused
from offload.core.transfers.tickets import Ticket
from offload.files.transports.sources import content_of
from offload.files.transports.transport import CHUNK_BYTES, Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.staging import SentFile, StagedFile
    from offload.files.transports.transport import Source


class MemoryTransport(Transport):
    """Carries files in memory; every one of its transfers is cut after the next of ``cuts`` bytes.

    ``contents`` holds the files that are offered, and those that were pushed, by ticket.
    """

    name: ClassVar[str] = "memory"
    can_resume: ClassVar[bool] = True

    def __init__(self, cuts: Iterable[int] = ()) -> None:
        self.cuts = deque(cuts)
        self.contents: dict[str, bytes] = {}

    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Keep the bytes until they are withdrawn."""
        with content_of(transfer.file, source) as content:
            self.contents[transfer.key] = content.read()
        return Ticket(transport=self.name, data={"key": transfer.key})

    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Append what the target lacks, up to the next cut."""
        content = self.contents.get(ticket.text("key", name=transfer.file.name, most=64))
        if content is None:
            raise TransferRefused(name=transfer.file.name, problem="nobody offers it")
        stop = self._stop(target.size, len(content))
        for start in range(target.size, stop, CHUNK_BYTES):
            target.append(content[start : min(start + CHUNK_BYTES, stop)])
        self._cut(transfer, stop, len(content))

    def invite(self, transfer: Transfer) -> Ticket:
        """Return a ticket under which the file will be kept."""
        return Ticket(transport=self.name, data={"key": transfer.key})

    def push(self, transfer: Transfer, ticket: Ticket, source: Source, sent: SentFile) -> None:
        """Keep what is lacking, up to the next cut."""
        key = ticket.text("key", name=transfer.file.name, most=64)
        kept = self.contents.get(key, b"")
        stop = self._stop(len(kept), transfer.file.size)
        with content_of(transfer.file, source) as content:
            self.contents[key] = content.read()[:stop]
        sent.note(stop)
        self._cut(transfer, stop, transfer.file.size)

    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Drop the bytes."""
        self.contents.pop(transfer.key, None)

    def _stop(self, start: int, size: int) -> int:
        return min(start + self.cuts.popleft(), size) if self.cuts else size

    def _cut(self, transfer: Transfer, stop: int, size: int) -> None:
        if stop < size:
            raise TransferFailed(name=transfer.file.name, problem=f"cut after {stop} bytes")
