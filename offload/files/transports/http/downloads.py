"""Responses with an input of a job, or a part of it (RFC 9110, 14)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.core.files.storage import FileSystemStorage
from django.http import HttpResponse, StreamingHttpResponse

from offload.core.transfers.ranges import Part, Unsatisfiable, parse_range
from offload.files.transports.transport import CHUNK_BYTES
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from offload.core.transfers.descriptions import FileDescription
    from offload.files.transports.http.home import TransferSite
    from offload.files.transports.transport import Source


def etag(file: FileDescription) -> str:
    """Return the strong validator of a file: its SHA-256."""
    return f'"{file.sha256}"'


def download(
    site: TransferSite, request: HttpRequest, file: FileDescription, source: Source
) -> HttpResponseBase:
    """Return the response to a request for a file."""
    try:
        part = _wanted(request, file)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    response = _by_web_server(site, source) or _streamed(source, file, part)
    response["ETag"] = etag(file)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store, no-transform"
    response["Content-Type"] = "application/octet-stream"
    return response


def _wanted(request: HttpRequest, file: FileDescription) -> Part | None:
    """Return the part to send; None for all, also if the part is of another version."""
    if request.headers.get("If-Range", etag(file)) != etag(file):
        return None
    return parse_range(request.headers.get("Range", ""), file.size)


def _by_web_server(site: TransferSite, source: Source) -> HttpResponseBase | None:
    """Return a response that the web server replaces with the file, which it reads itself."""
    if not (site.sendfile_header and source.location):
        return None
    storage = stores.storage(source.storage)
    if not isinstance(storage, FileSystemStorage):
        return None
    place = source.location if site.sendfile_prefix else storage.path(source.location)
    path = f"{site.sendfile_prefix}{quote(PurePosixPath(place).as_posix())}"
    return HttpResponse(headers={site.sendfile_header: path})


def _streamed(source: Source, file: FileDescription, part: Part | None) -> HttpResponseBase:
    sent = part or Part(start=0, stop=file.size)
    response = StreamingHttpResponse(_chunks(source, sent), status=206 if part else 200)
    response["Content-Length"] = str(sent.size)
    if part:
        response["Content-Range"] = part.header(file.size)
    return response


def _chunks(source: Source, part: Part) -> Iterator[bytes]:
    with source.open() as content:
        content.seek(part.start)
        left = part.size
        while left and (chunk := content.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
