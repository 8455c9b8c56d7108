"""The remote side: it fetches inputs from home and pushes outputs to it, one try at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from offload.core.exceptions import InvalidTicket, TransferFailed
from offload.core.transfers import file_batches
from offload.core.transfers.file_batches import BATCHED, FILE_BYTES_MAX, BatchedFile
from offload.core.transfers.ranges import OFFSET, Part, parse_content_range
from offload.files.transports.http import remote_batches
from offload.files.transports.http.client import PartReader, failure
from offload.files.transports.http.grants import GRANT_MAX
from offload.files.transports.sources import content_of
from offload.files.transports.transport import CHUNK_BYTES, WHOLE_BYTES, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from urllib3 import BaseHTTPResponse

    from offload.core.exceptions import FileProblem
    from offload.core.transfers.descriptions import FileDescription, Transfer
    from offload.core.transfers.tickets import Ticket
    from offload.files.transports.http.client import HttpClient
    from offload.files.transports.staging import SentFile, StagedFile
    from offload.files.transports.transport import BatchFile, Source

#: Bytes of one request.
PART_BYTES = 8 << 20
OK, CREATED, PARTIAL = 200, 201, 206
CONFLICT, UNSATISFIABLE, MISMATCH = 409, 416, 422
#: The characters of signed texts; no path of home's address has others.
GRANT = re.compile(r"[A-Za-z0-9_:-]+")
#: A validator that does for parts (RFC 9110, 13.1.5), whole: headers may have been cut.
STRONG = re.compile(r'"[^"]+"')
NUMBER = re.compile(r"[0-9]{1,19}")


class RemoteHttpTransport(Transport):
    """Carries files in requests to home, which needs an address; this side needs none."""

    name: ClassVar[str] = "http"
    can_resume: ClassVar[bool] = True
    can_remote_offer: ClassVar[bool] = False

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def offer(self, transfer: Transfer, source: Source) -> Ticket:
        """Raise NotImplementedError: home invites this side to push."""
        raise NotImplementedError(f"{self.name}: push the file by home's invitation.")

    def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
        """Get what the target lacks."""
        file = transfer.file
        if not target.missing:
            return
        with self._request("GET", ticket, file, _resuming(target)) as response:
            _place(response, target)
            # Each read returns what has come, so that the time is checked on slow lines too.
            while chunk := response.read1(CHUNK_BYTES):
                target.append(chunk)
        if target.missing:
            problem = f"the connection was cut after {target.size:,} of {file.size:,} bytes"
            raise TransferFailed(name=file.name, problem=problem)

    def push(self, transfer: Transfer, ticket: Ticket, source: Source, sent: SentFile) -> None:
        """Ask home for the offset, unless the file is small, and put what it lacks."""
        file = transfer.file
        is_complete = self._is_there(ticket, file, sent)
        if is_complete:
            return
        with content_of(file, source) as content:
            while not is_complete:
                before = sent.size
                part = Part(start=sent.size, stop=min(sent.size + PART_BYTES, file.size))
                content.seek(part.start)
                body = PartReader(content, part.size, sent)
                with self._request("PUT", ticket, file, _headers(part, file), body) as response:
                    is_complete = _note(response, file, sent)
                if not is_complete and sent.size <= before:
                    raise TransferFailed(name=file.name, problem="the other site took no bytes")

    def _is_there(self, ticket: Ticket, file: FileDescription, sent: SentFile) -> bool:
        """Ask home how much it has; return whether that is all."""
        is_new = not sent.size
        if is_new and file.size <= WHOLE_BYTES:
            return False
        with self._request("HEAD", ticket, file, {}) as response:
            is_complete = _note(response, file, sent)
        if is_new and not is_complete:
            # Those that an earlier agent has sent.
            sent.count(sent.size)
        return is_complete

    def takes_batch(self, file: FileDescription, ticket: Ticket) -> bool:
        """Return whether home takes batches, and the file is small."""
        return file.size <= FILE_BYTES_MAX and ticket.data.get(BATCHED) is True

    def push_batch(self, files: Sequence[BatchFile]) -> Mapping[str, FileProblem | None]:
        """Send files to home in one request."""
        body = file_batches.written(
            BatchedFile(grant=_grant(one.ticket, one.sent.file), content=one.content)
            for one in files
        )
        return remote_batches.send(self._client, files, body)

    def withdraw(self, transfer: Transfer, ticket: Ticket) -> None:
        """Do nothing: this side offers nothing."""

    def _request(
        self,
        method: str,
        ticket: Ticket,
        file: FileDescription,
        headers: dict[str, str],
        body: PartReader | None = None,
    ) -> AbstractContextManager[BaseHTTPResponse]:
        grant = _grant(ticket, file)
        return self._client.request(method, grant, name=file.name, headers=headers, body=body)


def _grant(ticket: Ticket, file: FileDescription) -> str:
    grant = ticket.text("grant", name=file.name, most=GRANT_MAX)
    if not GRANT.fullmatch(grant):
        raise InvalidTicket(name=file.name, problem="its grant is invalid")
    return grant


def _resuming(target: StagedFile) -> dict[str, str]:
    """Return the headers that ask for the bytes which the target lacks."""
    if not target.size:
        return {}
    headers = {"Range": f"bytes={target.size}-"}
    if target.validator:
        headers["If-Range"] = target.validator
    return headers


def _headers(part: Part, file: FileDescription) -> dict[str, str]:
    # An empty part cannot be named; it says that everything is there.
    content_range = part.header(file.size) if part.size else f"bytes */{file.size}"
    return {
        "Content-Length": str(part.size),
        "Content-Type": "application/octet-stream",
        "Content-Range": content_range,
    }


def _place(response: BaseHTTPResponse, target: StagedFile) -> None:
    """Make the target end where the bytes of the response begin."""
    if response.status not in {OK, PARTIAL, UNSATISFIABLE}:
        raise failure(response, target.file.name)
    etag = response.headers.get("ETag", "")
    if STRONG.fullmatch(etag):
        target.validator = etag
    if response.status == OK:
        target.restart()
        return
    found = parse_content_range(response.headers.get("Content-Range", ""))
    if response.status == PARTIAL and found and found[0].start == target.size:
        return
    # Headers that were cut say nothing; any other part means that the file is another by now.
    if found or response.status == UNSATISFIABLE:
        target.restart()
    raise TransferFailed(name=target.file.name, problem="another part came than was asked for")


def _note(response: BaseHTTPResponse, file: FileDescription, sent: SentFile) -> bool:
    """Note how many bytes home has; return whether the file is complete there."""
    if response.status not in {OK, CREATED, CONFLICT, UNSATISFIABLE, MISMATCH}:
        raise failure(response, file.name)
    offset = response.headers.get(OFFSET, "")
    if not NUMBER.fullmatch(offset) or int(offset) > file.size:
        # Such as headers that were cut.
        problem = f"the other site answers {response.status} without an offset"
        raise TransferFailed(name=file.name, problem=problem)
    sent.note(int(offset))
    if response.status == MISMATCH:
        sent.reject()
    if response.status in {CONFLICT, MISMATCH}:
        raise TransferFailed(name=file.name, problem=f"the other site has {int(offset):,} bytes")
    return response.status in {CREATED, UNSATISFIABLE}
