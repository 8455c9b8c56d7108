"""The request that brings home a batch of small files, and what its response means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import TransferFailed
from offload.files.transports.http.client import PartReader, failure, problem_of
from offload.files.transports.http.grants import BATCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from urllib3 import BaseHTTPResponse

    from offload.core.exceptions import FileProblem
    from offload.files.transports.http.client import HttpClient
    from offload.files.transports.transport import BatchFile

OK, CREATED, COMPLETE, MISMATCH = 200, 201, 416, 422
#: Bytes of a response; a verdict has a few dozen.
RESPONSE_BYTES_MAX = 1 << 16
#: Seconds until the next try of what home could not store.
RETRY_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class _Counter:
    """Counts the bytes of a batch for its files, as one body."""

    files: Sequence[BatchFile]

    def check(self) -> None:
        """Raise TimedOut if the time is over."""
        self.files[0].sent.check()

    def count(self, size: int) -> None:
        """Do nothing: the bytes of a file are counted when it is in a body."""


def send(
    client: HttpClient, files: Sequence[BatchFile], body: bytes
) -> Mapping[str, FileProblem | None]:
    """Send files as a body; return the problem of each that home said something of, or None."""
    name = files[0].sent.file.name
    for one in files:
        one.sent.count(len(one.content))
    headers = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
    reader = PartReader(BytesIO(body), len(body), _Counter(files))
    with client.request("POST", BATCH, name=name, headers=headers, body=reader) as response:
        if response.status != OK:
            raise failure(response, name)
        verdicts = _verdicts(response, name)
    return {
        one.sent.file.name: _problem(one, *verdict)
        for one, verdict in zip(files, verdicts, strict=False)
    }


def _verdicts(response: BaseHTTPResponse, name: str) -> list[tuple[int, str]]:
    """Return status and reason of each file; raise TransferFailed for what no home writes."""
    found = response.read(RESPONSE_BYTES_MAX)
    try:
        return [_verdict(one) for one in json.loads(found)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        # Such as a body that was cut.
        problem = "the other site answers with something else than verdicts"
        raise TransferFailed(name=name, problem=problem) from error


def _verdict(value: Any) -> tuple[int, str]:
    return int(value["status"]), str(value["reason"])


def _problem(file: BatchFile, status: int, reason: str) -> FileProblem | None:
    if status in {CREATED, COMPLETE}:
        return None
    name = file.sent.file.name
    if status == MISMATCH:
        file.sent.reject()
        return TransferFailed(name=name, problem="other bytes came than were announced")
    return problem_of(status, reason, name=name, retry_after=RETRY_AFTER)
