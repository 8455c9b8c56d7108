"""Two sites and a transport between them, for the suite that all transports pass."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from offload.core.retries import RetryPolicy
from offload.core.transfers.descriptions import (
    Direction,
    FileDescription,
    Transfer,
    parse_transfer,
)
from offload.core.transfers.limits import TransferLimits
from offload.core.transfers.tickets import HELD, Ticket, parse_ticket
from offload.core.transfers.tries import TransferPolicy
from offload.files.transports.inline import InlineTransport
from offload.files.transports.memory import MemoryTransport
from offload.files.transports.receiving import FileReceiver, IncomingFile
from offload.files.transports.sending import FileSender, InvitedFile, OutgoingFile
from offload.files.transports.shared_storage import StorageTransport
from offload.files.transports.transport import Source
from offload.files.transports.watching import Pacing, TransferProgress, Watch
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from django.core.files.storage import Storage

    from offload.files.payloads import Stored
    from offload.files.transports.transport import Transport

PEER, JOB = "paris", "0199-job"
FOLDER = "0199e2a4-0000-7000-8000-000000000000"
#: Aliases of the storages: of each side, and the one that both see.
HOME, REMOTE, SHARED = "home", "remote", "shared"
POLICY = TransferPolicy(
    retry=RetryPolicy(retries=4, delay=0.01, backoff=2.0, max_delay=0.1), timeout=60.0
)
LIMITS = TransferLimits(files=20, free_bytes=0)


def described(name: str, content: bytes) -> FileDescription:
    """Return a site's facts about a file."""
    digest = sha256(content).hexdigest()
    return FileDescription(name=name, size=len(content), media_type="", sha256=digest)


def source(content: bytes) -> Source:
    """Return a file to send."""
    return Source(open=partial(BytesIO, content))


def over_the_wire(value: Any) -> Any:
    """Return a message as the other side reads it."""
    return json.loads(json.dumps(value.packed()))


@dataclass(kw_only=True)
class Link(ABC):
    """Carries files from one side to the other, as two clusters do."""

    staging: Path
    limits: TransferLimits = LIMITS
    policy: TransferPolicy = POLICY
    #: The files that the receiver has already, by SHA-256.
    held: dict[str, bytes] = field(default_factory=dict)
    progress: list[TransferProgress] = field(default_factory=list, repr=False)
    #: The pauses between tries in seconds; they are skipped.
    pauses: list[float] = field(default_factory=list, repr=False)
    #: The tickets of what was carried.
    carried: list[Ticket] = field(default_factory=list, repr=False)

    def homes(self, root: Path) -> list[Path]:
        """Return the folders of the storages of both sides."""
        return [root / HOME, root / REMOTE]

    def home(self) -> Transport:
        """Return the transport of the side that offers."""
        return self.transport()

    @abstractmethod
    def transport(self) -> Transport:
        """Return the transport, as both sides have it."""

    def cut(self, *sizes: int) -> None:
        """Cut the next transfers after so many bytes each."""
        raise NotImplementedError

    def leftovers(self) -> list[str]:
        """Return the files that the transport left behind."""
        return []

    def carry(
        self,
        direction: Direction,
        contents: Mapping[str, bytes],
        *,
        claimed: Mapping[str, FileDescription] | None = None,
        told_held: Collection[str] = (),
    ) -> dict[str, bytes]:
        """Carry files from their side to the other; return what is stored there by name."""
        files = claimed or {name: described(name, one) for name, one in contents.items()}
        transfers = {
            name: Transfer(peer=PEER, job_id=JOB, direction=direction, file=file)
            for name, file in files.items()
        }
        return self.offered(direction, transfers, contents, told_held)

    def offered(
        self,
        direction: Direction,
        transfers: Mapping[str, Transfer],
        contents: Mapping[str, bytes],
        told_held: Collection[str],
    ) -> dict[str, bytes]:
        """Offer on the one side, fetch on the other."""
        transport = self.home()
        sender = FileSender(transports={transport.name: transport}, policy=self.policy)
        outgoing = [
            OutgoingFile(transfer=one, source=source(contents[name]), transport=transport.name)
            for name, one in transfers.items()
        ]
        tickets = sender.offer(outgoing, held=told_held)
        self.carried.extend(one for one in tickets if one.transport != HELD)
        incoming = [
            IncomingFile(
                transfer=parse_transfer(over_the_wire(one)),
                ticket=parse_ticket(over_the_wire(ticket)),
            )
            for one, ticket in zip(transfers.values(), tickets, strict=True)
        ]
        try:
            return self.receive(direction, incoming)
        finally:
            sender.withdraw(list(zip(outgoing, tickets, strict=True)))

    def receiver(self, direction: Direction) -> FileReceiver:
        """Return the receiving side."""
        transport = self.transport()
        return FileReceiver(
            transports={transport.name: transport},
            storage=REMOTE if direction is Direction.INPUT else HOME,
            staging=self.staging,
            limits=self.limits,
            policy=self.policy,
            held=self.has,
        )

    def receive(self, direction: Direction, incoming: list[IncomingFile]) -> dict[str, bytes]:
        """Fetch what was offered."""
        receiver = self.receiver(direction)
        stored = receiver.receive(incoming, folder=FOLDER, watch=self.watch())
        return {one.name: read(receiver.storage, one) for one in stored}

    def watch(self) -> Watch:
        """Return the watch of one call."""
        pacing = Pacing(wait=lambda _event, seconds: self.pauses.append(seconds), draw=lambda: 0.0)
        return Watch(pacing=pacing, progress=self.told)

    def told(self, progress: TransferProgress) -> None:
        """Note how far a file is."""
        self.progress.append(progress)

    def has(self, file: FileDescription) -> Source | None:
        """Return the files that the receiver has already."""
        content = self.held.get(file.sha256)
        return None if content is None else source(content)


def read(alias: str, stored: Stored) -> bytes:
    """Return the content of a stored file, which has what its row would say."""
    with stores.storage(alias).open(stored.location) as file:
        content: bytes = file.read()
    assert described(stored.name, content).sha256 == stored.sha256
    assert len(content) == stored.size
    return content


@dataclass(kw_only=True)
class InlineLink(Link):
    """Through the message."""

    def transport(self) -> Transport:
        """Return the transport."""
        return InlineTransport()


@dataclass(kw_only=True)
class StorageLink(Link):
    """Through a storage that both sides see."""

    shared: Path

    def transport(self) -> Transport:
        """Return the transport."""
        return StorageTransport(SHARED)

    def transport_storage(self) -> Storage:
        """Return the storage that both sides see."""
        return stores.storage(SHARED)

    def leftovers(self) -> list[str]:
        """Return the content of the shared storage."""
        return [str(path) for path in self.shared.rglob("*")]


@dataclass(kw_only=True)
class MemoryLink(Link):
    """Through memory: offered and fetched."""

    memory: MemoryTransport = field(default_factory=MemoryTransport)

    def transport(self) -> Transport:
        """Return the transport."""
        return self.memory

    def cut(self, *sizes: int) -> None:
        """Cut the next transfers after so many bytes each."""
        self.memory.cuts.extend(sizes)

    def leftovers(self) -> list[str]:
        """Return the offers that nobody withdrew."""
        return list(self.memory.contents)


def pushed(
    link: Link, home: Transport, remote: Transport, transfers: Mapping[str, Transfer], contents: Any
) -> None:
    """Invite on the side of home, push from the other."""
    sender = FileSender(transports={remote.name: remote}, policy=link.policy)
    invited = [
        InvitedFile(
            transfer=parse_transfer(over_the_wire(one)),
            source=source(contents[name]),
            ticket=parse_ticket(over_the_wire(home.invite(one))),
        )
        for name, one in transfers.items()
    ]
    sender.push(invited, watch=link.watch())
