"""Fetching of claimed files into this side's storage, the same for inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.transfers.descriptions import Transfer
from offload.core.transfers.tickets import Ticket
from offload.files.transfers.held import held_with
from offload.files.transports import configured
from offload.files.transports.receiving import FileReceiver, IncomingFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles
    from offload.files.transfers.ways import Transports
    from offload.files.transports.watching import Watch
    from offload.models import FileTransfer


def fetch(
    files: ClaimedFiles, transports: Transports, *, storage: str, watch: Watch
) -> Sequence[Stored]:
    """Fetch claimed files, and store them at the locations of their rows.

    ``storage`` is an alias in ``STORAGES``. Raise a FileProblem if one cannot be had; then none is
    stored.
    """
    receiver = FileReceiver(
        transports=transports,
        storage=storage,
        limits=configured.limits(),
        held=held_with(files.peer),
    )
    incoming = [_incoming(files, row) for row in files.rows]
    return receiver.receive(incoming, folder=files.folder, watch=watch)


def _incoming(files: ClaimedFiles, row: FileTransfer) -> IncomingFile:
    return IncomingFile(
        transfer=Transfer(
            peer=files.peer,
            job_id=files.job_id,
            direction=files.direction,
            file=row.description,
            epoch=files.epoch,
        ),
        ticket=Ticket(transport=row.transport, data=row.ticket),
        location=row.location,
        part=row.part,
    )
