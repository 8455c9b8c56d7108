"""The jobs and files of this site as the addresses of transfers see them."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import NoSpace, TransferFailed
from offload.core.peers.refusal import RefusalKind
from offload.db import database
from offload.files.given_files import latest, names_made
from offload.files.outputs import payload_for
from offload.files.payloads import Stored
from offload.files.storing import remove
from offload.files.transfers.held import source_of
from offload.files.transports.http.home import Refusal
from offload.files.transports.staging import keep
from offload.models import Job, PayloadFile, stores
from offload.peers.refusals import RefusalCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.core.files import File
    from django.db.models import QuerySet

    from offload.core.transfers.descriptions import FileDescription, Transfer
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
        found = _same(inputs, transfer).select_related("payload").first() or _made(transfer)
        if found is None or not stores.storage(found.payload.storage).exists(found.location):
            return None
        return source_of(found)

    def held(self, transfers: Sequence[Transfer]) -> set[Transfer]:
        """Return those outputs of one binding that the site has, of which nothing is to be sent."""
        first = transfers[0]
        outputs = PayloadFile.objects.filter(job=first.job_id, epoch=first.epoch)
        named = outputs.filter(name__in=[one.file.name for one in transfers])
        here = set(named.values_list("name", "size", "sha256"))
        return {one for one in transfers if _facts(one.file) in here}

    def accept(
        self, files: Sequence[tuple[Transfer, File[Any]]]
    ) -> Sequence[NoSpace | TransferFailed | None]:
        """Store outputs of one binding, which were verified (P12); return what is wrong with each.

        What one of them lacks, such as room, keeps back no other.
        """
        first = files[0][0]
        try:
            with database.atomic():
                payload = payload_for(_locked(first))
            kept = _kept(files, payload)
            _record(first, payload, [one for one in kept if isinstance(one, Stored)])
        except TransferFailed as late:
            return [late for _ in files]
        return [None if isinstance(one, Stored) else one for one in kept]

    def refused(self, peer: str, refusal: Refusal) -> None:
        """Count a refusal; the peer's name may be made up."""
        # Whoever has no key may write any name into an address.
        name = "" if refusal is Refusal.FORGED else peer
        self._refusals.note(name, RefusalKind.FILE, refusal.value)
        if self._clock() - self._written >= WRITE_SECONDS:
            self._written = self._clock()
            self._refusals.write()


def _made(transfer: Transfer) -> PayloadFile | None:
    """Return the file that an earlier step has made for the job, if that is the announced one."""
    job = Job.objects.filter(pk=transfer.job_id).only("payload_id", "options").first()
    if job is None or transfer.file.name not in names_made(job.options):
        return None
    found = latest(job.payload_id, [transfer.file.name])
    return next((one for one in found if _facts(one.description) == _facts(transfer.file)), None)


def _facts(file: FileDescription) -> tuple[str, int, str]:
    return file.name, file.size, file.sha256


def _kept(
    files: Sequence[tuple[Transfer, File[Any]]], payload: Payload
) -> list[Stored | NoSpace | TransferFailed]:
    """Store files, and return what became of each."""
    kept: list[Stored | NoSpace | TransferFailed] = []
    try:
        kept.extend(_keep(transfer, content, payload) for transfer, content in files)
    except BaseException:
        remove(payload.storage, [one.location for one in kept if isinstance(one, Stored)])
        raise
    return kept


def _keep(
    transfer: Transfer, content: File[Any], payload: Payload
) -> Stored | NoSpace | TransferFailed:
    try:
        return keep(transfer.file, content, payload.storage, payload.pk)
    except (NoSpace, TransferFailed) as problem:
        return problem


def _record(transfer: Transfer, payload: Payload, stored: Sequence[Stored]) -> None:
    """Store the rows of outputs that came, unless they are there; keep no file without one.

    Raise TransferFailed if they are too late. They are visible once home has taken the end of
    their binding (R4).
    """
    unused = [one.location for one in stored]
    try:
        with database.atomic():
            mine = PayloadFile.objects.filter(job=_locked(transfer), epoch=transfer.epoch)
            same = mine.filter(name__in=[one.name for one in stored])
            known = set(same.values_list("name", flat=True))
            new = [one for one in stored if one.name not in known]
            PayloadFile.objects.bulk_create(
                PayloadFile(
                    job_id=transfer.job_id, epoch=transfer.epoch, payload=payload, **asdict(one)
                )
                for one in new
            )
        used = {one.location for one in new}
        unused = [one for one in unused if one not in used]
    finally:
        remove(payload.storage, unused)


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
