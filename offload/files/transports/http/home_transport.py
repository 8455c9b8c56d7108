"""The side of home: it grants transfers, and the remote side makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.file_batches import BATCHED
from offload.core.transfers.tickets import Ticket
from offload.files.transports.transport import Transport

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.http.grants import GrantSigner
    from offload.files.transports.staging import StagedFile
    from offload.files.transports.transport import Source


class HomeHttpTransport(Transport):
    """Gives the remote side grants; the views of the site do the rest."""

    name: ClassVar[str] = "http"
    can_resume: ClassVar[bool] = True
    can_remote_offer: ClassVar[bool] = False

    def __init__(self, signer: GrantSigner) -> None:
        self._signer = signer

    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Return a grant to fetch the file."""
        return self.invite(transfer)

    def invite(self, transfer: Transfer) -> Ticket:
        """Return a grant for the transfer."""
        data = {"grant": self._signer.grant(transfer), BATCHED: True}
        return Ticket(transport=self.name, data=data)

    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Raise InvalidTicket: what home should get, the remote side pushes."""
        raise InvalidTicket(name=transfer.file.name, problem="home fetches nothing by HTTP")

    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Do nothing: a grant ends with its job, or its time."""
