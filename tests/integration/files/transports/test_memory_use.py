"""Large files are carried in constant memory, on both sides."""

from __future__ import annotations

import os
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from offload.core.transfers.descriptions import Direction, FileDescription, Transfer
from offload.files.transports.receiving import IncomingFile
from offload.files.transports.sending import FileSender, InvitedFile, OutgoingFile
from offload.files.transports.staging import digest
from offload.files.transports.transport import Source
from tests.integration.files.transports.links import FOLDER, JOB, PEER, SHARED, StorageLink

if TYPE_CHECKING:
    from pathlib import Path

    from offload.files.transports.watching import TransferProgress
    from tests.integration.files.transports.http_link import HttpLink
    from tests.integration.files.transports.links import Link

MIB = 1 << 20
#: What a side may need beside the file: some chunks and buffers.
MOST = 16 * MIB
SIZES = [64, pytest.param(1024, marks=[pytest.mark.long, pytest.mark.timeout(900)])]


def large(path: Path, mib: int) -> FileDescription:
    """Write a file and return its description."""
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(4, "big") + block[4:])
    with path.open("rb") as file:
        found = digest(file)
    return FileDescription(name="large.bin", size=mib * MIB, media_type="", sha256=found)


class Peak:
    """The most memory that Python's objects took meanwhile."""

    def __enter__(self) -> Peak:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def fetched(link: Link, transfer: Transfer, path: Path) -> list[Any]:
    """Offer a file on the one side and fetch it on the other; return what is stored."""
    home = link.home()
    outgoing = OutgoingFile(
        transfer=transfer, source=Source(open=partial(path.open, "rb")), transport=home.name
    )
    [ticket] = FileSender(transports={home.name: home}).offer([outgoing])
    incoming = IncomingFile(transfer=transfer, ticket=ticket)
    receiver = link.receiver(transfer.direction)
    return list(receiver.receive([incoming], folder=FOLDER, watch=link.watch()))


@pytest.mark.parametrize("mib", SIZES)
def test_a_shared_storage_needs_little_memory(
    staging: Path, storages: Path, tmp_path: Path, mib: int
) -> None:
    link = StorageLink(staging=staging, shared=storages / SHARED)
    file = large(tmp_path / "large", mib)
    transfer = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=file)

    with Peak() as peak:
        [stored] = fetched(link, transfer, tmp_path / "large")

    assert (tmp_path / "remote" / stored.location).stat().st_size == mib * MIB
    assert peak.size < MOST


class Growth:
    """The most memory that a process took beyond what it had."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._first = self._process.memory_info().rss
        self.size = 0

    def look(self, _: TransferProgress) -> None:
        """Look at it."""
        self.size = max(self.size, self._process.memory_info().rss - self._first)


@pytest.mark.parametrize("mib", SIZES)
@pytest.mark.parametrize("direction", list(Direction))
def test_http_needs_little_memory(
    http_link: HttpLink,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    direction: Direction,
    mib: int,
) -> None:
    file = large(tmp_path / "large", mib)
    transfer = Transfer(peer=PEER, job_id=JOB, direction=direction, file=file)
    assert http_link.server.process is not None
    home = Growth(http_link.server.process.pid)
    monkeypatch.setattr(http_link, "told", home.look)

    with Peak() as peak:
        if direction is Direction.INPUT:
            (http_link.server.folder / "inputs" / file.sha256).symlink_to(tmp_path / "large")
            fetched(http_link, transfer, tmp_path / "large")
        else:
            remote = http_link.transport()
            invited = InvitedFile(
                transfer=transfer,
                source=Source(open=partial((tmp_path / "large").open, "rb")),
                ticket=http_link.home().invite(transfer),
            )
            FileSender(transports={remote.name: remote}).push([invited], watch=http_link.watch())

    kept = [path for path in http_link.homes(tmp_path) for path in path.rglob("*")]
    assert [path.stat().st_size for path in kept if path.is_file()] == [mib * MIB]
    assert peak.size < MOST
    assert home.size < MOST
