"""The interface that every transport implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeAlias

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.choice import TransportLimits
from offload.core.transfers.file_batches import FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from offload.core.exceptions import FileProblem
    from offload.core.transfers.descriptions import FileDescription, Transfer
    from offload.core.transfers.tickets import Ticket
    from offload.files.transports.staging import SentFile, StagedFile

#: Opens a file for reading bytes, from the beginning at each call.
Opener: TypeAlias = "Callable[[], AbstractContextManager[IO[bytes] | Any]]"

CHUNK_BYTES = 1 << 18
#: A file of up to so many bytes is sent whole, without asking first what the other side has.
WHOLE_BYTES = FILE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to send: how to open it, and where it lies if it is in a storage."""

    open: Opener
    #: Alias in ``STORAGES``.
    storage: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A small file to push with others: its verified bytes, and what home has of it."""

    ticket: Ticket
    content: bytes
    sent: SentFile


class Transport(ABC):
    """Carries a file, or a few small ones; retries, verification and storing are not its work.

    The sender offers a file, and the receiver fetches it with the offer's ticket. Where the remote
    side has no address, and so cannot offer, home invites it to push the file.
    """

    name: ClassVar[str]
    #: The limits of its transfers.
    limits: ClassVar[TransportLimits] = TransportLimits()
    #: Does a transfer that was cut go on where it stopped?
    can_resume: ClassVar[bool] = False
    #: Can the remote side offer files? If not, home invites it to push them.
    can_remote_offer: ClassVar[bool] = True

    @abstractmethod
    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Make a file available to the other side; return what it needs to fetch it.

        The caller has verified the source. Raise TooLarge, TransferFailed or NoSpace.
        """

    def offers_at_once(self, source: Source) -> bool:
        """Return whether an offer of this source copies no file from one storage to another."""
        return True

    @abstractmethod
    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Append to the target what it lacks of the file, in one try.

        Raise TransferFailed if another try may succeed; then the target keeps what it got, if
        transfers can be resumed. Raise TransferRefused, InvalidTicket or NoSpace if none can.
        """

    def invite(self, transfer: Transfer) -> Ticket:
        """Return the ticket with which the remote side can push a file to home."""
        raise NotImplementedError(f"{self.name}: the sender offers its files.")

    def push(self, transfer: Transfer, ticket: Ticket, source: Source, sent: SentFile) -> None:
        """Send what home lacks of a file, in one try; note in ``sent`` what home has.

        Raise as `fetch` does.
        """
        raise NotImplementedError(f"{self.name}: the receiver fetches its files.")

    def takes_batch(self, file: FileDescription, ticket: Ticket) -> bool:
        """Return whether a file may be pushed with others by `push_batch`."""
        return False

    def push_batch(self, files: Sequence[BatchFile]) -> Mapping[str, FileProblem | None]:
        """Send files to home at once, in one try; return the problem of each, by its name.

        Those that home has have None, and those that it has said nothing of are missing. Raise as
        `fetch` does if it has said nothing at all.
        """
        raise NotImplementedError(f"{self.name}: files go one at a time.")

    @abstractmethod
    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Remove what an offer or an invitation left here for the other side."""


def transport_of(transports: Mapping[str, Transport], ticket: Ticket, *, name: str) -> Transport:
    """Return the transport that a ticket is for; raise InvalidTicket if this side has none."""
    found = transports.get(ticket.transport)
    if found is None:
        problem = f"this side has no transport {ticket.transport!r:.40}"
        raise InvalidTicket(name=name, problem=problem)
    return found
