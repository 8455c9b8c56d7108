"""Sending the files of a job: offered for the other side to fetch, or pushed to home."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from offload.core.exceptions import FileProblem, SourceCorrupt, TransferFailed
from offload.core.transfers.tickets import HELD, Ticket
from offload.core.transfers.tries import TransferPolicy
from offload.files.transports.concurrency import side_by_side
from offload.files.transports.staging import SentFile, digest
from offload.files.transports.transport import transport_of
from offload.files.transports.trying import carry
from offload.files.transports.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from offload.core.transfers.descriptions import FileDescription, Transfer
    from offload.files.transports.transport import Source, Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to offer, by the transport that was chosen for it."""

    transfer: Transfer
    source: Source
    transport: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedFile:
    """A file to push, by home's invitation."""

    transfer: Transfer
    source: Source
    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSender:
    """Sends files of jobs; verifies each before the other side can see it."""

    transports: Mapping[str, Transport]
    policy: TransferPolicy = field(default_factory=TransferPolicy)
    #: Files that are pushed at a time.
    threads: int = 4

    def offer(self, files: Sequence[OutgoingFile], *, held: Collection[str] = ()) -> list[Ticket]:
        """Return a ticket for each file, in order, for the message that announces them.

        ``held`` has the SHA-256 of contents that the other side said it has: they are not sent.
        Raise SourceCorrupt if a file is not what it is announced as, or as `Transport.offer` does;
        then no offer is left.
        """
        offers: list[tuple[OutgoingFile, Ticket]] = []
        try:
            offers.extend((one, self._offer(one, held)) for one in files)
        except BaseException:
            self.withdraw(offers)
            raise
        return [ticket for _, ticket in offers]

    def withdraw(self, offers: Sequence[tuple[OutgoingFile, Ticket]]) -> None:
        """Remove what offers left here for the other side."""
        for one, ticket in offers:
            if ticket.transport != HELD:
                self.transports[one.transport].withdraw(one.transfer, ticket)

    def push(self, files: Sequence[InvitedFile], *, watch: Watch | None = None) -> None:
        """Send files to home, which invited this side to; return when it has all of them.

        Raise a FileProblem if one cannot be sent.
        """
        watch = watch or Watch()
        tasks = [partial(self._push, one, watch) for one in files]
        side_by_side(tasks, threads=self.threads, cancelled=watch.cancelled)

    def _offer(self, one: OutgoingFile, held: Collection[str]) -> Ticket:
        if one.transfer.file.sha256 in held:
            return Ticket(transport=HELD)
        check_source(one.transfer.file, one.source)
        return self.transports[one.transport].offer(one.transfer, one.source)

    def _push(self, one: InvitedFile, watch: Watch) -> None:
        file = one.transfer.file
        check_source(file, one.source)
        timer = watch.timer(file, self.policy.timeout)
        sent = SentFile(file, timer, rejections=self.policy.corrupt)
        transport = transport_of(self.transports, one.ticket, name=file.name)
        attempt = partial(transport.push, one.transfer, one.ticket, one.source, sent)
        carry(self.policy, timer, sent, attempt)


def check_source(file: FileDescription, source: Source) -> None:
    """Raise SourceCorrupt if a file is gone or not the announced one; TransferFailed if unreadable.

    It is read once, in constant memory.
    """
    with content_of(file, source) as content:
        found = digest(content)
    if found != file.sha256:
        raise SourceCorrupt(name=file.name, problem=f"its SHA-256 is {found[:12]}… here")


@contextmanager
def content_of(file: FileDescription, source: Source) -> Iterator[IO[bytes] | Any]:
    """Open a file; turn errors of its storage in the block into the closed list."""
    try:
        with source.open() as content:
            yield content
    except FileProblem:
        raise
    except FileNotFoundError as error:
        raise SourceCorrupt(name=file.name, problem="it is no longer there") from error
    # A storage may be built on any library, with errors of its own.
    except Exception as error:
        raise TransferFailed(name=file.name, problem=f"it cannot be read: {error}") from error
