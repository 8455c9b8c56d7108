"""Home judges each file of a batch by itself, and keeps those that are right."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import TransferRefused
from offload.core.transfers import file_batches
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.file_batches import BatchedFile
from offload.files.transports.http.grants import GrantSigner
from tests.integration.files.transports.batches.posted import (
    CONTENTS,
    OUTPUT,
    assert_nothing_is_left,
    framed,
    head,
    post,
    stored,
    transfer,
    verdicts,
)
from tests.integration.files.transports.links import JOB
from tests.integration.files.transports.server import KEYS
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.integration.files.transports.http_link import HttpLink


def test_what_was_whole_when_the_connection_was_cut_is_kept(http_link: HttpLink) -> None:
    server = http_link.server
    body = file_batches.written(framed(name, content) for name, content in CONTENTS.items())
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head(len(body)) + body[: len(body) // 2])

    whole = set(CONTENTS.values())
    eventually(lambda: len(whole.intersection(stored(server))) >= 14, within=60)
    assert whole - set(stored(server))
    assert http_link.carry(OUTPUT, CONTENTS) == CONTENTS
    assert len(stored(server)) == len(CONTENTS)


def test_other_bytes_of_one_file_are_refused_and_the_others_kept(http_link: HttpLink) -> None:
    server = http_link.server

    found = verdicts(
        server, framed("a", b"aaa"), framed("b", b"bbb", sent=b"bad"), framed("c", b"ccc")
    )

    assert found == [201, 422, 201]
    assert stored(server) == [b"aaa", b"ccc"]
    assert verdicts(server, framed("a", b"aaa"), framed("b", b"bbb")) == [416, 201]
    assert stored(server) == [b"aaa", b"bbb", b"ccc"]


def test_each_file_is_good_for_its_grant_alone(http_link: HttpLink) -> None:
    server = http_link.server
    late = GrantSigner(key=KEYS.get, lifetime=-1.0).grant(transfer("late", b"x"))

    found = verdicts(
        server,
        framed("a", b"aaa"),
        BatchedFile(grant="forged", content=b"x"),
        framed("in", b"x", direction=Direction.INPUT),
        framed("other", b"x", job_id="another-job"),
        framed("older", b"x", epoch=7),
        framed("short", b"xx", sent=b"x"),
        BatchedFile(grant=late, content=b"x"),
        framed("a", b"aaa"),
        framed("rome", b"x", peer="rome"),
    )

    assert found == [201, 403, 405, 400, 400, 400, 410, 400, 403]
    assert stored(server) == [b"aaa"]
    assert len(server.refusals()) == 8


def test_a_job_that_is_over_takes_nothing(http_link: HttpLink) -> None:
    (http_link.server.folder / "final" / JOB).touch()

    assert verdicts(http_link.server, framed("a", b"a"), framed("b", b"b")) == [410, 410]
    with pytest.raises(TransferRefused, match="410"):
        http_link.carry(OUTPUT, CONTENTS)

    assert_nothing_is_left(http_link)


@pytest.mark.parametrize("body", [b"\x00\xff" * 5_000, b"grant 1\nab", b"x 99999\n"])
def test_what_is_no_batch_is_refused(http_link: HttpLink, body: bytes) -> None:
    response = post(http_link.server, body)

    assert response.status in {200, 400}
    assert all(one["status"] == 403 for one in json.loads(response.data or b"[]"))
    assert_nothing_is_left(http_link)


def test_a_body_that_is_too_large_is_not_read(http_link: HttpLink) -> None:
    server = http_link.server
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head(99_999_999))
        assert line.recv(100).startswith(b"HTTP/1.1 413")
