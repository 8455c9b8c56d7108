"""The addresses of home: ``GET`` an input; ``HEAD`` and ``PUT`` an output, part by part.

Small outputs may come several in one ``POST``.
"""

from __future__ import annotations

import shutil
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from offload.core.exceptions import NoSpace, TransferFailed
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.limits import check_space
from offload.core.transfers.ranges import OFFSET, REASON, Part, parse_content_range
from offload.files.transports.http.batch_views import take_batch
from offload.files.transports.http.downloads import download
from offload.files.transports.http.grants import BATCH, InvalidGrant
from offload.files.transports.http.home import Refusal
from offload.files.transports.http.refused import STATUSES
from offload.files.transports.http.uploads import BeingStored, whole
from offload.files.transports.staging import digest
from offload.files.transports.transport import WHOLE_BYTES

if TYPE_CHECKING:
    from django.core.files import File
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.http.home import TransferSite

#: The way of each method.
DIRECTIONS = {"GET": Direction.INPUT, "HEAD": Direction.OUTPUT, "PUT": Direction.OUTPUT}
#: Seconds after which the remote side may ask again.
RETRY_AFTER = "2"


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def transfer_urls(site: TransferSite) -> list[URLPattern]:
    """Return the addresses of all transfers, to include in a site's own."""
    one, batch = csrf_exempt(partial(_transfer, site)), csrf_exempt(partial(take_batch, site))
    return [
        path(f"<str:peer>/{BATCH}", batch, name="offload-batch"),
        path("<str:peer>/<str:grant>", one, name="offload-transfer"),
    ]


def _transfer(site: TransferSite, request: HttpRequest, peer: str, grant: str) -> HttpResponseBase:
    try:
        transfer = _admitted(site, request, peer, grant)
        if transfer.direction is Direction.INPUT:
            return _send(site, request, transfer)
        if request.method == "HEAD":
            return _offset(site, transfer)
        return _take(site, request, transfer)
    except _Refused as refused:
        site.home.refused(peer, refused.refusal)
        reason = {REASON: refused.refusal.value}
        return HttpResponse(status=STATUSES[refused.refusal], headers=reason)
    except NoSpace:
        return HttpResponse(status=507)
    except (BeingStored, TransferFailed):
        return HttpResponse(status=503, headers={"Retry-After": RETRY_AFTER})


def _admitted(site: TransferSite, request: HttpRequest, peer: str, text: str) -> Transfer:
    """Return the transfer that a request is for; raise _Refused if it may not have it."""
    try:
        grant = site.signer.read(peer, text)
    except InvalidGrant:
        raise _Refused(Refusal.FORGED) from None
    transfer = grant.transfer
    if DIRECTIONS.get(request.method or "") is not transfer.direction:
        raise _Refused(Refusal.OTHER_DIRECTION)
    is_expired = site.signer.is_over(grant)
    if is_expired or not site.home.is_open(transfer):
        site.uploads.discard(transfer)
        raise _Refused(Refusal.EXPIRED if is_expired else Refusal.OVER)
    return transfer


def _send(site: TransferSite, request: HttpRequest, transfer: Transfer) -> HttpResponseBase:
    source = site.home.source(transfer)
    if source is None:
        raise _Refused(Refusal.MISSING)
    return download(site, request, transfer.file, source)


def _offset(site: TransferSite, transfer: Transfer) -> HttpResponse:
    if transfer in site.home.held([transfer]):
        return _complete(transfer)
    return _at(site.uploads.size(transfer), 200)


def _take(site: TransferSite, request: HttpRequest, transfer: Transfer) -> HttpResponse:
    part = _part(request, transfer)
    if transfer in site.home.held([transfer]):
        return _complete(transfer)
    size = site.uploads.size(transfer)
    if part.start != size:
        return _at(size, 409)
    free = shutil.disk_usage(site.uploads.path).free
    check_space(site.limits, name=transfer.file.name, needed=transfer.file.size - size, free=free)
    if part.start == 0:
        site.uploads.purge(site.home.is_open)
    if part.size == transfer.file.size <= WHOLE_BYTES:
        return _take_whole(site, whole(request, part.size), transfer)
    site.uploads.append(transfer, part, request)
    size = site.uploads.size(transfer)
    if size < part.stop:
        return _at(size, 408)
    return _at(size, 200) if size < transfer.file.size else _finish(site, transfer)


def _take_whole(site: TransferSite, body: bytes, transfer: Transfer) -> HttpResponse:
    """Store a small file, of which nothing lies in the folder of uploads unless that fails."""
    is_whole = len(body) == transfer.file.size
    if is_whole and sha256(body).hexdigest() != transfer.file.sha256:
        return _at(0, 422)
    try:
        if is_whole:
            _accept(site, transfer, ContentFile(body))
            return _at(len(body), 201)
    except TransferFailed:
        _keep(site, body, transfer)
        raise
    _keep(site, body, transfer)
    return _at(len(body), 408)


def _keep(site: TransferSite, body: bytes, transfer: Transfer) -> None:
    site.uploads.append(transfer, Part(start=0, stop=len(body)), BytesIO(body))


def _finish(site: TransferSite, transfer: Transfer) -> HttpResponse:
    """Verify and store a complete upload."""
    with site.uploads.claim(transfer) as content:
        if digest(content) != transfer.file.sha256:
            return _at(0, 422)
        content.seek(0)
        _accept(site, transfer, content)
    return _at(transfer.file.size, 201)


def _accept(site: TransferSite, transfer: Transfer, content: File[Any]) -> None:
    """Let home store a file; raise NoSpace or TransferFailed."""
    [problem] = site.home.accept([(transfer, content)])
    if problem is not None:
        raise problem


def _part(request: HttpRequest, transfer: Transfer) -> Part:
    """Return the part that a request brings; it is empty if all is there but not yet stored."""
    size = transfer.file.size
    header = request.headers.get("Content-Range", "")
    if header == f"bytes */{size}":
        part, total = Part(start=size, stop=size), size
    else:
        part, total = parse_content_range(header) or (Part(start=0, stop=0), -1)
    if total != size or (request.headers.get("Content-Length") or "0") != str(part.size):
        raise _Refused(Refusal.MALFORMED)
    return part


def _complete(transfer: Transfer) -> HttpResponse:
    """Say that home has the file: no part of it can be added."""
    total = transfer.file.size
    return HttpResponse(
        status=416, headers={OFFSET: str(total), "Content-Range": f"bytes */{total}"}
    )


def _at(size: int, status: int) -> HttpResponse:
    return HttpResponse(status=status, headers={OFFSET: str(size)})
