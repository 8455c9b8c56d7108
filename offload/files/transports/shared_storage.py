"""The transport ``storage``: through a Django storage that both sides see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from django.core.files import File

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.tickets import Ticket
from offload.files.storing import remove, remove_folder
from offload.files.transports.sources import content_of
from offload.files.transports.staging import keep
from offload.files.transports.transport import CHUNK_BYTES, Source, Transport
from offload.models import stores

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.staging import StagedFile

#: Locations are made of this project's own ids and digests; nothing else is opened for a peer.
LOCATION = re.compile(r"[0-9a-f-]{36,64}/[0-9a-f-]{36}")
LOCATION_MAX = 101


class StorageTransport(Transport):
    """Carries a file as one in a storage; the two sides may call the storage differently."""

    name: ClassVar[str] = "storage"
    can_resume: ClassVar[bool] = True

    def __init__(self, alias: str) -> None:
        """Use the storage of an alias in ``STORAGES``."""
        self.alias = alias

    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Put the file into the shared storage, unless it already lies there."""
        if self.offers_at_once(source):
            data = {"location": source.location, "is_copy": False}
            return Ticket(transport=self.name, data=data)
        with content_of(transfer.file, source) as content:
            stored = keep(transfer.file, File(content), self.alias, transfer.key)
        return Ticket(transport=self.name, data={"location": stored.location, "is_copy": True})

    def offers_at_once(self, source: Source) -> bool:
        """Return whether the file lies in the shared storage already."""
        return source.storage == self.alias and LOCATION.fullmatch(source.location) is not None

    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Copy what the target lacks from the shared storage."""
        location = _location(ticket, transfer.file.name)
        shared = Source(open=lambda: stores.storage(self.alias).open(location, "rb"))
        with content_of(transfer.file, shared) as opened:
            opened.seek(target.size)
            while chunk := opened.read(CHUNK_BYTES):
                target.append(chunk)

    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Remove the copy that was made for the other side."""
        if ticket.data.get("is_copy") is True:
            remove(self.alias, [_location(ticket, transfer.file.name)])
            remove_folder(self.alias, transfer.key)


def _location(ticket: Ticket, name: str) -> str:
    location = ticket.text("location", name=name, most=LOCATION_MAX)
    if not LOCATION.fullmatch(location):
        raise InvalidTicket(name=name, problem="offload makes no such location")
    return location
