"""Batches as anybody can send them to home, and what home makes of them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import urllib3

from offload.core.transfers import file_batches
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.file_batches import BatchedFile
from offload.files.transports.http.grants import GrantSigner
from tests.integration.files.transports.links import JOB, PEER, described
from tests.integration.files.transports.server import KEYS

if TYPE_CHECKING:
    from tests.integration.files.transports.http_link import HttpLink, Server

OUTPUT = Direction.OUTPUT
CONTENTS = {f"{number:03}.bin": os.urandom(9_000 + number) for number in range(30)}
SIGNER = GrantSigner(key=KEYS.get)


def transfer(name: str, content: bytes, **facts: Any) -> Transfer:
    """Return the transfer of an output."""
    made = Transfer(peer=PEER, job_id=JOB, direction=OUTPUT, file=described(name, content))
    return replace(made, **facts)


def framed(name: str, content: bytes, *, sent: bytes | None = None, **facts: Any) -> BatchedFile:
    """Return a file of a batch, with the bytes that were announced or with others."""
    grant = SIGNER.grant(transfer(name, content, **facts))
    return BatchedFile(grant=grant, content=content if sent is None else sent)


def post(server: Server, body: bytes, *, peer: str = PEER) -> urllib3.BaseHTTPResponse:
    """Return the response to a batch."""
    address = f"http://127.0.0.1:{server.port}/offload/files/{peer}/batch"
    return urllib3.PoolManager(retries=False).request("POST", address, body=body)


def verdicts(server: Server, *files: BatchedFile) -> list[int]:
    """Return the status of each file of a batch."""
    response = post(server, file_batches.written(files))
    assert response.status == 200
    return [one["status"] for one in response.json()]


def head(size: int) -> bytes:
    """Return the head of a request that brings so many bytes."""
    lines = (
        f"POST /offload/files/{PEER}/batch HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {size}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def stored(server: Server) -> list[bytes]:
    """Return the contents that home has stored."""
    folder = server.folder / "home"
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def assert_nothing_is_left(link: HttpLink) -> None:
    """Assert that home keeps nothing."""
    assert stored(link.server) == []
    assert link.leftovers() == []
