"""Addresses of home: each is good for one file of one job, one way, for some time."""

from __future__ import annotations

import os
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.core.transfers.descriptions import Direction, Transfer
from offload.files.transports.http.grants import GRANT_MAX, GrantSigner, InvalidGrant
from tests.integration.files.transports.links import JOB, PEER, described
from tests.integration.files.transports.server import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.integration.files.transports.http_link import Server

CONTENT = b"secret" * 1000
FILE = described("a.bin", CONTENT)
INPUT = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=FILE, epoch=1)
OUTPUT = replace(INPUT, direction=Direction.OUTPUT)
SIGNER = GrantSigner(key=KEYS.get)
ALL = {"Content-Range": f"bytes 0-{FILE.size - 1}/{FILE.size}"}


class Visitor:
    """Sends requests to home as anybody can."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pool = urllib3.PoolManager(retries=False)

    def ask(
        self,
        method: str,
        grant: str,
        *,
        peer: str = PEER,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Return the response."""
        address = f"http://127.0.0.1:{self.server.port}/offload/files/{peer}/{grant}"
        return self.pool.request(method, address, body=body, headers=headers, redirect=False)

    def put(self, grant: str, **options: str) -> int:
        """Return the status of an upload of the whole file."""
        return self.ask("PUT", grant, body=CONTENT, headers=ALL, **options).status

    def assert_refused(self, *reasons: str, peer: str = PEER) -> None:
        """Assert that home counted so many refusals, and stored nothing."""
        assert self.server.refusals() == [f"{peer} {one}" for one in reasons]
        kept = [*self.folder("uploads"), *self.folder("home"), *self.folder("accepted")]
        assert [path for path in kept if path.is_file()] == []

    def folder(self, name: str) -> list[Path]:
        """Return the files in a folder of home."""
        return [path for path in (self.server.folder / name).rglob("*") if path.is_file()]


@pytest.fixture
def visitor(home_server: Server) -> Iterator[Visitor]:
    """Return somebody who knows home's address; home has the input."""
    home_server.clear()
    (home_server.folder / "inputs" / FILE.sha256).write_bytes(CONTENT)
    visitor = Visitor(home_server)
    yield visitor
    visitor.pool.clear()


def test_a_grant_gives_its_file(visitor: Visitor) -> None:
    response = visitor.ask("GET", SIGNER.grant(INPUT))

    assert (response.status, response.data) == (200, CONTENT)
    assert response.headers["ETag"] == f'"{sha256(CONTENT).hexdigest()}"'
    assert "no-store" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers


def test_a_grant_takes_its_file(visitor: Visitor) -> None:
    assert visitor.put(SIGNER.grant(OUTPUT)) == 201

    [stored] = visitor.folder("home")
    assert stored.read_bytes() == CONTENT
    assert visitor.folder("uploads") == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(place=st.integers(0, 10_000), letter=st.sampled_from("abcXYZ019-_:"))
def test_a_grant_with_another_character_is_refused(
    visitor: Visitor, method: str, place: int, letter: str
) -> None:
    visitor.server.clear()
    grant = SIGNER.grant(INPUT if method == "GET" else OUTPUT)
    place %= len(grant)
    forged = grant[:place] + letter + grant[place + 1 :]
    if forged == grant:
        return

    response = visitor.ask(method, forged, body=CONTENT if method == "PUT" else None, headers=ALL)

    assert response.status == 403
    assert CONTENT not in response.data
    visitor.assert_refused("forged")


def test_a_grant_by_another_key_is_refused(visitor: Visitor) -> None:
    stranger = GrantSigner(key=lambda _peer: "another key")

    assert visitor.ask("GET", stranger.grant(INPUT)).status == 403
    assert visitor.put(stranger.grant(OUTPUT)) == 403
    visitor.assert_refused("forged", "forged")


def test_a_grant_by_a_key_that_is_being_replaced_still_counts() -> None:
    before = GrantSigner(key=lambda _peer: "the key before")
    now = GrantSigner(key=KEYS.get, others=lambda _peer: ["the key before"])

    assert now.read(PEER, before.grant(INPUT)).transfer == INPUT
    with pytest.raises(InvalidGrant):
        SIGNER.read(PEER, before.grant(INPUT))


def test_the_signature_of_another_grant_is_refused(visitor: Visitor) -> None:
    wanted, _ = SIGNER.grant(INPUT).rsplit(":", 1)
    _, signature = SIGNER.grant(replace(INPUT, job_id="other")).rsplit(":", 1)

    assert visitor.ask("GET", f"{wanted}:{signature}").status == 403
    visitor.assert_refused("forged")


@pytest.mark.parametrize("peer", ["rome", "nobody", "..", "paris%2F..", "%00"])
def test_a_grant_at_the_address_of_another_peer_is_refused(visitor: Visitor, peer: str) -> None:
    assert visitor.ask("GET", SIGNER.grant(INPUT), peer=peer).status in {403, 404}
    assert visitor.put(SIGNER.grant(OUTPUT), peer=peer) in {403, 404}

    assert visitor.folder("home") == []


def test_a_grant_made_by_a_peer_for_another_is_refused(visitor: Visitor) -> None:
    rome = GrantSigner(key=lambda _peer: KEYS["rome"])

    assert visitor.ask("GET", rome.grant(INPUT), peer="rome").status == 403
    visitor.assert_refused("forged", peer="rome")


@pytest.mark.parametrize(
    ("method", "transfer"),
    [("PUT", INPUT), ("HEAD", INPUT), ("GET", OUTPUT), ("POST", OUTPUT), ("DELETE", INPUT)],
)
def test_a_grant_is_good_for_one_way(visitor: Visitor, method: str, transfer: Transfer) -> None:
    response = visitor.ask(method, SIGNER.grant(transfer), body=None)

    assert response.status == 405
    visitor.assert_refused("other direction")


def test_a_grant_ends_with_its_time(visitor: Visitor) -> None:
    late = GrantSigner(key=KEYS.get, lifetime=-1)

    assert visitor.ask("GET", late.grant(INPUT)).status == 410
    assert visitor.put(late.grant(OUTPUT)) == 410
    visitor.assert_refused("expired", "expired")


def test_a_grant_ends_with_its_job_and_so_does_what_was_sent(visitor: Visitor) -> None:
    grant = SIGNER.grant(OUTPUT)
    part = {"Content-Range": f"bytes 0-9/{FILE.size}"}
    assert visitor.ask("PUT", grant, body=CONTENT[:10], headers=part).status == 200
    assert {path.suffix for path in visitor.folder("uploads")} == {".part", ".job"}

    (visitor.server.folder / "final" / JOB).touch()

    assert visitor.put(grant) == 410
    assert visitor.ask("GET", SIGNER.grant(INPUT)).status == 410
    visitor.assert_refused("over", "over")


@pytest.mark.parametrize(
    "other",
    [
        replace(OUTPUT, job_id="other"),
        replace(OUTPUT, epoch=2),
        replace(OUTPUT, file=replace(FILE, name="b.bin")),
    ],
)
def test_what_is_sent_for_one_transfer_is_not_there_for_another(
    visitor: Visitor, other: Transfer
) -> None:
    assert visitor.put(SIGNER.grant(OUTPUT)) == 201

    assert visitor.ask("HEAD", SIGNER.grant(OUTPUT)).status == 416
    assert visitor.ask("HEAD", SIGNER.grant(other)).headers["Upload-Offset"] == "0"


def test_another_file_than_granted_is_not_stored(visitor: Visitor) -> None:
    response = visitor.ask("PUT", SIGNER.grant(OUTPUT), body=b"S" + CONTENT[1:], headers=ALL)

    assert (response.status, response.headers["Upload-Offset"]) == (422, "0")
    visitor.assert_refused()


@pytest.mark.parametrize(
    ("content_range", "size"),
    [
        (f"bytes 0-{FILE.size}/{FILE.size + 1}", FILE.size + 1),
        (f"bytes 0-{FILE.size - 1}/{FILE.size}", FILE.size - 1),
        (f"bytes 0-{FILE.size - 1}/*", FILE.size),
        ("bytes 5-4/9", 0),
        ("", FILE.size),
        (f"bytes */{FILE.size}", 3),
        (f"bytes */{FILE.size + 1}", 0),
    ],
)
def test_a_part_that_contradicts_its_grant_is_refused(
    visitor: Visitor, content_range: str, size: int
) -> None:
    headers = {"Content-Range": content_range}

    response = visitor.ask("PUT", SIGNER.grant(OUTPUT), body=bytes(size), headers=headers)

    assert response.status == 400
    visitor.assert_refused("malformed")


def test_a_part_at_another_offset_is_not_taken(visitor: Visitor) -> None:
    headers = {"Content-Range": f"bytes 10-19/{FILE.size}"}

    response = visitor.ask("PUT", SIGNER.grant(OUTPUT), body=bytes(10), headers=headers)

    assert (response.status, response.headers["Upload-Offset"]) == (409, "0")
    visitor.assert_refused()


def test_an_endless_address_is_refused(visitor: Visitor) -> None:
    assert visitor.ask("GET", "a" * (GRANT_MAX + 1)).status == 403
    visitor.assert_refused("forged")


def test_an_input_that_home_lost_is_refused(visitor: Visitor) -> None:
    os.unlink(visitor.server.folder / "inputs" / FILE.sha256)

    assert visitor.ask("GET", SIGNER.grant(INPUT)).status == 404
    visitor.assert_refused("missing")


ETAG = f'"{FILE.sha256}"'


@pytest.mark.parametrize(
    ("headers", "status", "start", "stop"),
    [
        ({"Range": "bytes=10-"}, 206, 10, FILE.size),
        ({"Range": "bytes=10-19"}, 206, 10, 20),
        ({"Range": "bytes=-10"}, 206, FILE.size - 10, FILE.size),
        ({"Range": "bytes=10-", "If-Range": ETAG}, 206, 10, FILE.size),
        ({"Range": "bytes=10-", "If-Range": '"another"'}, 200, 0, FILE.size),
        ({"Range": "bytes=1-2,4-5"}, 200, 0, FILE.size),
    ],
)
def test_a_part_of_a_file_is_sent_as_rfc_9110_says(
    visitor: Visitor, headers: dict[str, str], status: int, start: int, stop: int
) -> None:
    response = visitor.ask("GET", SIGNER.grant(INPUT), headers=headers)

    assert (response.status, response.data) == (status, CONTENT[start:stop])
    sent = f"bytes {start}-{stop - 1}/{FILE.size}" if status == 206 else None
    assert response.headers.get("Content-Range") == sent


def test_a_part_behind_the_end_is_not_there(visitor: Visitor) -> None:
    response = visitor.ask("GET", SIGNER.grant(INPUT), headers={"Range": f"bytes={FILE.size}-"})

    assert response.status == 416
    assert response.headers["Content-Range"] == f"bytes */{FILE.size}"
