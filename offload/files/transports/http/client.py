"""The remote side of transfers by HTTP: one request at a time, and what its response means."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, LocationValueError

from offload.core.exceptions import (
    InvalidTicket,
    SourceCorrupt,
    TransferFailed,
    TransferRefused,
)
from offload.core.transfers.ranges import REASON
from offload.core.transfers.tries import may_differ_next_time
from offload.files.transports.http.home import Refusal
from offload.files.transports.transport import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse

    from offload.core.exceptions import FileProblem

#: Seconds to connect, and between two bytes of a response.
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0


class SentBytes(Protocol):
    """The listener of the bytes of a body."""

    def check(self) -> None:
        """Raise TimedOut if the time is over."""

    def count(self, size: int) -> None:
        """Count bytes that were sent."""


class PartReader:
    """A part of an open file as the body of a request; checks the time with each read."""

    def __init__(self, content: IO[bytes] | Any, size: int, sent: SentBytes) -> None:
        self._content = content
        self._left = size
        self._sent = sent

    def read(self, most: int = -1) -> bytes:
        """Return the next bytes of the part."""
        self._sent.check()
        size = self._left if most < 0 else min(most, self._left)
        chunk: bytes = self._content.read(size) if size else b""
        self._left -= len(chunk)
        self._sent.count(len(chunk))
        return chunk


class HttpClient:
    """Sends requests to one home; follows no redirects, and retries nothing by itself."""

    def __init__(
        self,
        address: str,
        *,
        connect: float = CONNECT_SECONDS,
        read: float = READ_SECONDS,
        connections: int = 8,
    ) -> None:
        """Use the address that `transfer_urls` has at home, with the peer's name in the end."""
        self._address = address.rstrip("/")
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=connect, read=read),
            retries=False,
            blocksize=CHUNK_BYTES,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    @contextmanager
    def request(
        self, method: str, grant: str, *, name: str, headers: Mapping[str, str], body: Any = None
    ) -> Iterator[BaseHTTPResponse]:
        """Send a request for a file; provide the response, whatever its status, unread.

        Raise TransferFailed if the connection fails, also within the block.
        """
        try:
            response = self._pool.request(
                method,
                f"{self._address}/{grant}",
                headers={"Accept-Encoding": "identity", **headers},
                body=body,
                redirect=False,
                preload_content=False,
            )
            try:
                yield response
            finally:
                self._end(response)
        except LocationValueError as error:
            raise InvalidTicket(name=name, problem=f"its address is wrong: {error}") from error
        except (HTTPError, OSError) as error:
            raise TransferFailed(name=name, problem=f"{type(error).__name__}: {error}") from error

    def _end(self, response: BaseHTTPResponse) -> None:
        """Give the connection back if the response was read, and close it otherwise."""
        if response.length_remaining == 0:
            # Also an empty body must be read before the next request.
            response.drain_conn()
        else:
            response.close()


def failure(response: BaseHTTPResponse, name: str) -> FileProblem:
    """Return the error that a response without a file means."""
    return problem_of(
        response.status,
        response.headers.get(REASON, ""),
        name=name,
        text=response.reason or "",
        retry_after=_retry_after(response),
    )


def problem_of(
    status: int, reason: str, *, name: str, text: str = "", retry_after: float | None = None
) -> FileProblem:
    """Return the error that a status means, with home's reason for it if it has one.

    ``text`` is the server's word for the status, ``retry_after`` are seconds.
    """
    if reason == Refusal.MISSING:
        return SourceCorrupt(name=name, problem="its home no longer has it")
    problem = f"the other site answers {status} {text}".rstrip()
    if may_differ_next_time(status):
        return TransferFailed(name=name, problem=problem, retry_after=retry_after)
    return TransferRefused(name=name, problem=problem)


def _retry_after(response: BaseHTTPResponse) -> float | None:
    if not may_differ_next_time(response.status):
        return None
    try:
        return urllib3.Retry().get_retry_after(response)
    except InvalidHeader:
        return None
