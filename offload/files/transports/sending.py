"""Sending the files of a job: offered for the other side to fetch, or pushed to home."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from offload.core.exceptions import TransferRefused
from offload.core.transfers.tickets import HELD, Ticket
from offload.core.transfers.tries import TransferPolicy
from offload.files.transports.batching import parted, push_batch
from offload.files.transports.concurrency import side_by_side
from offload.files.transports.sources import check_source
from offload.files.transports.staging import SentFile
from offload.files.transports.transport import transport_of
from offload.files.transports.trying import carry
from offload.files.transports.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from offload.core.transfers.descriptions import Transfer
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
        groups, alone = parted(files, self.transports)
        tasks = [partial(self._push, one, watch) for one in alone]
        tasks += [partial(self._push_batch, one, watch) for one in groups]
        side_by_side(tasks, threads=self.threads, cancelled=watch.cancelled)

    def _offer(self, one: OutgoingFile, held: Collection[str]) -> Ticket:
        if one.transfer.file.sha256 in held:
            return Ticket(transport=HELD)
        check_source(one.transfer.file, one.source)
        return self.transports[one.transport].offer(one.transfer, one.source)

    def _push_batch(self, group: Sequence[InvitedFile], watch: Watch) -> None:
        """Send small files at once; one at a time if something on the way refuses that."""
        try:
            push_batch(group, self.transports, self.policy, watch)
        except TransferRefused:
            for one in group:
                self._push(one, watch)

    def _push(self, one: InvitedFile, watch: Watch) -> None:
        file = one.transfer.file
        check_source(file, one.source)
        timer = watch.timer(file, self.policy.timeout)
        sent = SentFile(file, timer, rejections=self.policy.corrupt)
        transport = transport_of(self.transports, one.ticket, name=file.name)
        attempt = partial(transport.push, one.transfer, one.ticket, one.source, sent)
        carry(self.policy, timer, sent, attempt)
