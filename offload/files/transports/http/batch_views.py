"""The address of batches: several small outputs of one job in one ``POST``, each kept by itself.

What was whole when the connection was cut is kept; the remote side sends the others again.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.http import HttpResponse, JsonResponse

from offload.core.exceptions import NoSpace
from offload.core.transfers import file_batches
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.file_batches import MalformedBatch
from offload.core.transfers.limits import check_space
from offload.files.transports.http.grants import InvalidGrant
from offload.files.transports.http.home import Refusal
from offload.files.transports.http.refused import STATUSES
from offload.files.transports.http.uploads import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from offload.core.transfers.descriptions import Transfer
    from offload.core.transfers.file_batches import BatchedFile
    from offload.files.transports.http.home import TransferSite

CREATED, TIMED_OUT, COMPLETE, MISMATCH = 201, 408, 416, 422
AWAY, FULL = 503, 507


@dataclass(slots=True)
class FileVerdict:
    """The verdict of home on one file of a batch: a status as that of a single request."""

    status: int = 0
    refusal: Refusal | None = None

    def refuse(self, refusal: Refusal) -> None:
        """Refuse it."""
        self.status, self.refusal = STATUSES[refusal], refusal

    def packed(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"status": self.status, "reason": self.refusal or ""}


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A file of a batch that came whole."""

    content: bytes
    #: Read from its grant.
    transfer: Transfer | None = None
    verdict: FileVerdict = field(default_factory=FileVerdict)

    @property
    def is_open(self) -> bool:
        """Return whether nothing was said of it yet."""
        return not self.verdict.status


def take_batch(site: TransferSite, request: HttpRequest, peer: str) -> HttpResponse:
    """Store the outputs in the body of a request; answer with a verdict on each, in order."""
    length = request.headers.get("Content-Length") or ""
    if request.method != "POST":
        return HttpResponse(status=405)
    if not length.isascii() or not length.isdigit():
        return HttpResponse(status=411)
    if int(length) > file_batches.BODY_BYTES_MAX:
        return HttpResponse(status=413)
    body = whole(request, int(length))
    try:
        arrivals = [_read(site, peer, one) for one in file_batches.read(body)]
    except MalformedBatch:
        site.home.refused(peer, Refusal.MALFORMED)
        return HttpResponse(status=400)
    _judge(site, arrivals)
    for one in arrivals:
        if one.verdict.refusal is not None:
            site.home.refused(peer, one.verdict.refusal)
    verdicts = [one.verdict.packed() for one in arrivals]
    status = 200 if len(body) == int(length) else TIMED_OUT
    return JsonResponse(verdicts, safe=False, status=status)


def _read(site: TransferSite, peer: str, file: BatchedFile) -> Arrival:
    """Return a file with what its grant says; it is refused if that is not for it."""
    found = Arrival(content=file.content)
    try:
        grant = site.signer.read(peer, file.grant)
    except InvalidGrant:
        found.verdict.refuse(Refusal.FORGED)
        return found
    found.transfer = grant.transfer
    if grant.transfer.direction is not Direction.OUTPUT:
        found.verdict.refuse(Refusal.OTHER_DIRECTION)
    elif site.signer.is_over(grant):
        site.uploads.discard(grant.transfer)
        found.verdict.refuse(Refusal.EXPIRED)
    elif len(file.content) != grant.transfer.file.size:
        found.verdict.refuse(Refusal.MALFORMED)
    return found


def _judge(site: TransferSite, arrivals: list[Arrival]) -> None:
    """Say of each file what a single request would be told; store those that are right."""
    _keep_one_binding(arrivals)
    _check_job(site, arrivals)
    _check_held(site, arrivals)
    _check_contents(arrivals)
    _check_disk(site, arrivals)
    _store(site, arrivals)


def _open(arrivals: Iterable[Arrival]) -> list[tuple[Arrival, Transfer]]:
    return [(one, one.transfer) for one in arrivals if one.is_open and one.transfer is not None]


def _keep_one_binding(arrivals: list[Arrival]) -> None:
    """Refuse files of another binding than the first one's, and a second copy of a file."""
    found = _open(arrivals)
    known: set[str] = set()
    for one, transfer in found:
        first = found[0][1]
        is_same = (transfer.job_id, transfer.epoch) == (first.job_id, first.epoch)
        if not is_same or transfer.file.name in known:
            one.verdict.refuse(Refusal.MALFORMED)
        known.add(transfer.file.name)


def _check_job(site: TransferSite, arrivals: list[Arrival]) -> None:
    found = _open(arrivals)
    if found and not site.home.is_open(found[0][1]):
        for one, transfer in found:
            site.uploads.discard(transfer)
            one.verdict.refuse(Refusal.OVER)


def _check_held(site: TransferSite, arrivals: list[Arrival]) -> None:
    found = _open(arrivals)
    held = site.home.held([transfer for _, transfer in found]) if found else set()
    for one, transfer in found:
        if transfer in held:
            one.verdict.status = COMPLETE


def _check_contents(arrivals: list[Arrival]) -> None:
    for one, transfer in _open(arrivals):
        if sha256(one.content).hexdigest() != transfer.file.sha256:
            one.verdict.status = MISMATCH


def _check_disk(site: TransferSite, arrivals: list[Arrival]) -> None:
    found = _open(arrivals)
    if not found:
        return
    site.uploads.purge(site.home.is_open)
    free = shutil.disk_usage(site.uploads.path).free
    needed = sum(len(one.content) for one, _ in found)
    try:
        check_space(site.limits, name=found[0][1].file.name, needed=needed, free=free)
    except NoSpace:
        for one, _ in found:
            one.verdict.status = FULL


def _store(site: TransferSite, arrivals: list[Arrival]) -> None:
    found = _open(arrivals)
    if not found:
        return
    problems = site.home.accept([(one[1], ContentFile(one[0].content)) for one in found])
    for (one, transfer), problem in zip(found, problems, strict=True):
        if problem is None:
            # Earlier tries may have left some of it.
            site.uploads.discard(transfer)
            one.verdict.status = CREATED
        else:
            one.verdict.status = FULL if isinstance(problem, NoSpace) else AWAY
