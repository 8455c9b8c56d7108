"""The jobs and files of this site as the addresses of transfers see them."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import TransferFailed
from offload.core.peers.refusal import RefusalKind
from offload.db import database
from offload.files.outputs import payload_for
from offload.files.storing import remove
from offload.files.transfers.held import source_of
from offload.files.transports.http.home import Refusal
from offload.files.transports.staging import keep
from offload.models import Job, PayloadFile, stores
from offload.peers.refusals import RefusalCounter

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.files import File
    from django.db.models import QuerySet

    from offload.core.transfers.descriptions import Transfer
    from offload.files.payloads import Stored
    from offload.files.transports.transport import Source
    from offload.models import Payload

#: Seconds between two writes of what was refused: a flood costs no statements.
WRITE_SECONDS = 1.0


class HomeJobs:
    """The jobs and files in home's rows; implements `Home`."""

    def __init__(
        self,
        refusals: RefusalCounter | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refusals = refusals or RefusalCounter()
        self._clock = clock
        self._written = -WRITE_SECONDS

    def is_open(self, transfer: Transfer) -> bool:
        """Return whether its job is still bound to the peer by this epoch, and not final."""
        return bound(transfer.peer, transfer.job_id, transfer.epoch).exists()

    def source(self, transfer: Transfer) -> Source | None:
        """Return the input to send, if the site has it."""
        inputs = PayloadFile.objects.inputs().filter(payload__jobs=transfer.job_id)
        found = _same(inputs, transfer).select_related("payload").first()
        if found is None or not stores.storage(found.payload.storage).exists(found.location):
            return None
        return source_of(found)

    def holds(self, transfer: Transfer) -> bool:
        """Return whether the site has the output, and nothing is to be sent."""
        outputs = PayloadFile.objects.filter(job=transfer.job_id, epoch=transfer.epoch)
        return _same(outputs, transfer).exists()

    def accept(self, transfer: Transfer, content: File[Any]) -> None:
        """Store an output, which was verified (P12); raise NoSpace or TransferFailed."""
        with database.atomic():
            payload = payload_for(_locked(transfer))
        stored = keep(transfer.file, content, payload.storage, payload.pk)
        try:
            _record(transfer, payload, stored)
        except BaseException:
            remove(payload.storage, [stored.location])
            raise

    def refused(self, peer: str, refusal: Refusal) -> None:
        """Count a refusal; the peer's name may be made up."""
        # Whoever has no key may write any name into an address.
        name = "" if refusal is Refusal.FORGED else peer
        self._refusals.note(name, RefusalKind.FILE, refusal.value)
        if self._clock() - self._written >= WRITE_SECONDS:
            self._written = self._clock()
            self._refusals.write()


def _record(transfer: Transfer, payload: Payload, stored: Stored) -> None:
    """Store the row of an output that came, unless it is there; raise TransferFailed if too late.

    It is visible once home has taken the end of its binding (R4).
    """
    with database.atomic():
        job = _locked(transfer)
        _, is_new = PayloadFile.objects.get_or_create(
            job=job,
            epoch=transfer.epoch,
            name=stored.name,
            defaults={"payload": payload, **asdict(stored)},
        )
    if not is_new:
        remove(payload.storage, [stored.location])


def bound(peer: str, job_id: str, epoch: int) -> QuerySet[Job]:
    """Return the job of this site, if it is bound to the peer under this epoch."""
    return Job.objects.bound().filter(pk=job_id, peer=peer, epoch=epoch, home=None)


def locked(peer: str, job_id: str, epoch: int, *, name: str) -> Job:
    """Return that job, locked, with its payload; raise TransferFailed for the file of that name."""
    job = (
        bound(peer, job_id, epoch).select_for_update(of=("self",)).select_related("payload").first()
    )
    if job is None:
        raise TransferFailed(name=name, problem="its job is over, or bound anew")
    return job


def _locked(transfer: Transfer) -> Job:
    name = transfer.file.name
    return locked(transfer.peer, transfer.job_id, transfer.epoch, name=name)


def _same(files: QuerySet[PayloadFile], transfer: Transfer) -> QuerySet[PayloadFile]:
    """Return the files among these with the announced name and content."""
    file = transfer.file
    return files.filter(name=file.name, size=file.size, sha256=file.sha256)
