"""The transport ``storage``: what lies where both sides see it, and what may be opened there."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from offload.core.exceptions import InvalidTicket, NoSpace, SourceCorrupt, TransferFailed
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.tickets import Ticket
from offload.files.transports.receiving import IncomingFile
from offload.files.transports.shared_storage import StorageTransport
from offload.files.transports.transport import Source
from tests.integration.files.transports.links import (
    FOLDER,
    JOB,
    PEER,
    SHARED,
    StorageLink,
    described,
    source,
)

CONTENT = b"shared" * 100
FILE = described("a.bin", CONTENT)
TRANSFER = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=FILE)
LOCATION = f"{FOLDER}/0199e2a4-0000-7000-8000-000000000001"


@pytest.fixture
def link(staging: Path, storages: Path) -> StorageLink:
    """Return a link by a shared folder."""
    return StorageLink(staging=staging, shared=storages / SHARED)


def incoming(ticket: Ticket) -> IncomingFile:
    """Return the announcement of the other side."""
    return IncomingFile(transfer=TRANSFER, ticket=ticket)


def put(link: StorageLink, content: bytes = CONTENT) -> Path:
    """Put a payload's file into the shared storage."""
    path = link.shared / LOCATION
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_that_lies_there_is_used_in_place(link: StorageLink) -> None:
    path = put(link)
    there = Source(open=partial(path.open, "rb"), storage=SHARED, location=LOCATION)
    transport = StorageTransport(SHARED)

    ticket = transport.offer(TRANSFER, there)

    assert [one for one in link.shared.rglob("*") if one.is_file()] == [path]
    assert link.receive(Direction.INPUT, [incoming(ticket)]) == {"a.bin": CONTENT}
    transport.withdraw(TRANSFER, ticket)
    assert path.read_bytes() == CONTENT


def test_a_file_that_lies_elsewhere_is_copied_and_withdrawn(link: StorageLink) -> None:
    transport = StorageTransport(SHARED)

    ticket = transport.offer(TRANSFER, replace(source(CONTENT), storage="home", location=LOCATION))

    assert link.leftovers()
    transport.withdraw(TRANSFER, ticket)
    assert link.leftovers() == []


@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", f"../{FOLDER}/{FOLDER}", f"{LOCATION}\n", FOLDER, f"{FOLDER}/.."],
)
def test_a_location_that_offload_does_not_make_is_not_opened(
    link: StorageLink, location: str
) -> None:
    forged = Ticket(transport="storage", data={"location": location, "is_copy": True})

    with pytest.raises(InvalidTicket):
        link.receive(Direction.INPUT, [incoming(forged)])
    with pytest.raises(InvalidTicket):
        link.transport().withdraw(TRANSFER, forged)


def test_bytes_that_changed_there_are_never_stored(link: StorageLink, storages: Path) -> None:
    put(link, b"S" + CONTENT[1:])
    ticket = Ticket(transport="storage", data={"location": LOCATION, "is_copy": False})

    with pytest.raises(SourceCorrupt, match="another SHA-256"):
        link.receive(Direction.INPUT, [incoming(ticket)])

    assert [one for one in (storages / "remote").rglob("*") if one.is_file()] == []


@pytest.mark.parametrize("more", [b"", b"more"])
def test_a_longer_or_shorter_file_is_never_stored(
    link: StorageLink, storages: Path, more: bytes
) -> None:
    put(link, CONTENT + more if more else CONTENT[:-1])
    ticket = Ticket(transport="storage", data={"location": LOCATION, "is_copy": False})

    with pytest.raises(SourceCorrupt):
        link.receive(Direction.INPUT, [incoming(ticket)])

    assert [one for one in (storages / "remote").rglob("*") if one.is_file()] == []


def test_a_storage_that_breaks_is_tried_again_where_it_broke(
    link: StorageLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(link)
    opened: list[int] = []

    class Breaking:
        """A file that breaks after some bytes, the first three times it is opened."""

        def __init__(self) -> None:
            self.file = path.open("rb")
            self.room = 100 if len(opened) < 3 else 10_000
            opened.append(0)

        def __enter__(self) -> Breaking:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def seek(self, place: int) -> None:
            opened[-1] = place
            self.file.seek(place)

        def read(self, _size: int) -> bytes:
            if not self.room:
                raise OSError("gone")
            found = self.file.read(min(self.room, 50))
            self.room -= len(found)
            return found

    shared = link.transport_storage()
    monkeypatch.setattr(shared, "open", lambda *_: Breaking())
    ticket = Ticket(transport="storage", data={"location": LOCATION, "is_copy": False})

    assert link.receive(Direction.INPUT, [incoming(ticket)]) == {"a.bin": CONTENT}
    assert opened == [0, 100, 200, 300]


def test_a_storage_that_stays_away_is_given_up(
    link: StorageLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Any] = []

    def away(*_: object) -> None:
        tries.append(1)
        raise ConnectionError("no route")

    monkeypatch.setattr(link.transport_storage(), "open", away)
    ticket = Ticket(transport="storage", data={"location": LOCATION, "is_copy": False})

    with pytest.raises(TransferFailed, match="no route"):
        link.receive(Direction.INPUT, [incoming(ticket)])

    # The first try, and the retries of the policy.
    assert len(tries) == 1 + link.policy.retry.retries


def test_a_full_disk_under_the_staged_file_is_said(
    link: StorageLink, storages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> Any:
        return Path("/dev/full").open("r+b", buffering=0)

    put(link)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr("offload.files.transports.staging.SPOOLED_BYTES", 1)
    ticket = Ticket(transport="storage", data={"location": LOCATION, "is_copy": False})

    with pytest.raises(NoSpace, match="No space left on device"):
        link.receive(Direction.INPUT, [incoming(ticket)])

    assert [one for one in (storages / "remote").rglob("*") if one.is_file()] == []
