"""The transport ``inline``: small files travel in the signed message itself."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from typing import TYPE_CHECKING, ClassVar

from offload.core.exceptions import InvalidTicket, TooLarge
from offload.core.transfers.choice import TransportLimits
from offload.core.transfers.tickets import Ticket
from offload.files.transports.sources import content_of
from offload.files.transports.transport import Transport

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.staging import StagedFile
    from offload.files.transports.transport import Source

#: Bytes of files in one message, before they are written as text.
INLINE_BYTES_MAX = 64 * 1024
#: Base64 writes three bytes as four characters.
TEXT_MAX = (INLINE_BYTES_MAX + 2) // 3 * 4


class InlineTransport(Transport):
    """Carries a file as text in its ticket."""

    name: ClassVar[str] = "inline"
    limits: ClassVar[TransportLimits] = TransportLimits(
        file_bytes=INLINE_BYTES_MAX, message_bytes=INLINE_BYTES_MAX
    )

    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Return a ticket with the bytes in it; raise TooLarge if they are too many."""
        with content_of(transfer.file, source) as content:
            found = content.read(INLINE_BYTES_MAX + 1)
        if len(found) > INLINE_BYTES_MAX:
            problem = f"a message takes up to {INLINE_BYTES_MAX:,} bytes of files"
            raise TooLarge(name=transfer.file.name, problem=problem)
        return Ticket(transport=self.name, data={"content": b64encode(found).decode()})

    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Write the bytes of the ticket into the target."""
        name = transfer.file.name
        text = ticket.text("content", name=name, most=TEXT_MAX)
        try:
            content = b64decode(text, validate=True)
        except (Error, ValueError) as error:
            raise InvalidTicket(name=name, problem="its bytes are no Base64") from error
        target.restart()
        target.append(content)

    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Do nothing: a message is all there is."""
