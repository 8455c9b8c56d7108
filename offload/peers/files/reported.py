"""The outputs of a clone as its report tells home of them (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.transfers.announced_files import AnnouncedFile
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.stages import TransferStage, TransferTask
from offload.core.transfers.tickets import Ticket
from offload.files.transfers import noted, ways
from offload.files.transfers.held import source_of
from offload.files.transports import configured
from offload.models import FileTransfer, PayloadFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.transfers.descriptions import FileDescription
    from offload.files.transports.transport import Transport
    from offload.models import Job


def outputs(home: str, clone: Job) -> tuple[AnnouncedFile, ...]:
    """Return the outputs of a clone that succeeded, each with its ticket if it has one.

    Where home has to ask for a file, or an agent has to copy it first, the ticket names the
    transport alone. Raise a FileProblem if one cannot be brought home.
    """
    if clone.payload_id is None:
        return ()
    files = made_by(clone)
    descriptions = [one.description for one in files.values()]
    with ways.at_peer(home) as transports:
        names = configured.chosen(transports, peer=home, files=descriptions)
        tickets = _Tickets(home, clone, transports)
        return tuple(
            AnnouncedFile(file=one.description, ticket=tickets.of(one, names[name]))
            for name, one in files.items()
        )


def made_by(clone: Job) -> dict[str, PayloadFile]:
    """Return the outputs of a clone, by their names."""
    found = PayloadFile.objects.outputs().filter(job=clone).select_related("payload")
    return {one.name: one for one in found.order_by("name")}


def transfer_of(clone: Job, file: FileDescription) -> Transfer:
    """Return the transfer of an output of a clone."""
    return Transfer(
        peer=peers().own_name,
        job_id=clone.pk,
        direction=Direction.OUTPUT,
        file=file,
        epoch=clone.home_epoch or 0,
    )


class _Tickets:
    """Tickets for the outputs of one clone."""

    def __init__(self, home: str, clone: Job, transports: Mapping[str, Transport]) -> None:
        self._home = home
        self._clone = clone
        self._transports = transports

    def of(self, file: PayloadFile, transport: str) -> Ticket:
        """Return the ticket by which home can fetch a file; one without data if it cannot yet."""
        way, source = self._transports[transport], source_of(file)
        if not way.can_remote_offer:
            return Ticket(transport=transport)
        if not way.offers_at_once(source):
            return self._copied(file, transport)
        return way.offer(transfer_of(self._clone, file.description), source)

    def _copied(self, file: PayloadFile, transport: str) -> Ticket:
        """Return the ticket of a copy that an agent has made; let one make it, if none has."""
        epoch = self._clone.home_epoch or 0
        mine = FileTransfer.objects.filter(
            job=self._clone, epoch=epoch, direction=Direction.OUTPUT, name=file.name
        )
        found = mine.first()
        if found is None:
            noted.note(
                self._clone.pk,
                peer=self._home,
                epoch=epoch,
                direction=Direction.OUTPUT,
                task=TransferTask.OFFER,
                files=[(file.description, Ticket(transport=transport))],
            )
        is_there = found is not None and found.stage == TransferStage.DONE
        return Ticket(transport=transport, data=found.ticket if found and is_there else {})
