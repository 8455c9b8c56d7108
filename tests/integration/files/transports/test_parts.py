"""A fetch goes on where one stopped whose process died, and leaves nothing else."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import TransferFailed
from offload.core.transfers.descriptions import Direction, Transfer
from offload.files.transports import parts
from offload.files.transports.receiving import FileReceiver, IncomingFile
from offload.files.transports.watching import Watch
from offload.models import stores
from tests.integration.files.transports.links import FOLDER, JOB, PEER, REMOTE, described, source
from tests.integration.files.transports.proxy import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from offload.files.payloads import Stored
    from tests.integration.files.transports.http_link import HttpLink

SIZE = 3 << 20
CONTENT = os.urandom(SIZE)
FILE = described("a", CONTENT)
TRANSFER = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=FILE)
PART = "parts/one"


def receiver(link: HttpLink, **facts: object) -> FileReceiver:
    """Return the remote side, which keeps parts."""
    transport = link.transport()
    given: dict[str, object] = {"limits": link.limits, "policy": link.policy, **facts}
    return FileReceiver(
        transports={transport.name: transport},
        storage=REMOTE,
        staging=link.staging,
        **given,  # type: ignore[arg-type]
    )


def fetch(link: HttpLink, watch: Watch | None = None, **facts: object) -> list[Stored]:
    """Fetch the file into a storage, by a part that has a name."""
    (link.server.folder / "inputs" / FILE.sha256).write_bytes(CONTENT)
    incoming = IncomingFile(transfer=TRANSFER, ticket=link.home().invite(TRANSFER), part=PART)
    return receiver(link, **facts).receive([incoming], folder=FOLDER, watch=watch)


@pytest.fixture
def part(storages: Path) -> Path:
    """Return where the part lies."""
    return storages / REMOTE / PART


def leave(part: Path, content: bytes) -> None:
    """Leave what a process that died had got."""
    part.parent.mkdir(parents=True)
    part.write_bytes(content)


def stored(found: list[Stored]) -> bytes:
    """Return the bytes of the one file that was stored."""
    with stores.storage(REMOTE).open(found[0].location) as file:
        return bytes(file.read())


def test_what_came_before_a_death_is_not_sent_again(http_link: HttpLink, part: Path) -> None:
    leave(part, CONTENT[: SIZE - 1_000])
    # Were more asked for than is lacking, the answer would be cut.
    http_link.proxy.always = Fault(cut_response=5_000)

    found = fetch(http_link)

    assert stored(found) == CONTENT
    assert http_link.proxy.connections == 1
    assert not part.exists()


def test_a_part_stays_for_whoever_goes_on(http_link: HttpLink, part: Path) -> None:
    http_link.proxy.always = Fault(cut_response=200_000)
    http_link.proxy.faults.clear()

    once = replace(http_link.policy, retry=replace(http_link.policy.retry, retries=0))
    with pytest.raises(TransferFailed):
        fetch(http_link, policy=once)
    left = part.stat().st_size
    http_link.proxy.always = None
    watch = Watch()

    assert stored(fetch(http_link, watch)) == CONTENT
    assert 0 < left < SIZE
    assert watch.carried["a"] == SIZE


@pytest.mark.parametrize("wrong", [b"x" * 1_000, CONTENT + b"more", CONTENT[:-1] + b"x"])
def test_a_damaged_part_is_fetched_anew(http_link: HttpLink, part: Path, wrong: bytes) -> None:
    leave(part, wrong)

    assert stored(fetch(http_link)) == CONTENT
    assert not part.exists()


def test_a_whole_part_asks_for_nothing(http_link: HttpLink, part: Path) -> None:
    leave(part, CONTENT)

    assert stored(fetch(http_link)) == CONTENT
    assert http_link.proxy.connections == 0


def test_a_part_that_another_process_writes_is_left_alone(http_link: HttpLink, part: Path) -> None:
    leave(part, b"its own")
    with part.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        assert stored(fetch(http_link)) == CONTENT

    assert part.read_bytes() == b"its own"


def test_a_content_that_is_here_by_now_takes_the_place_of_a_part(
    http_link: HttpLink, part: Path
) -> None:
    leave(part, CONTENT[:1_000])

    assert stored(fetch(http_link, held=lambda _: source(CONTENT))) == CONTENT
    assert http_link.proxy.connections == 0


def test_a_small_file_has_no_part() -> None:
    assert parts.new_part(REMOTE, described("a", b"small")) == ""
    assert parts.new_part(REMOTE, FILE).startswith("parts/")
