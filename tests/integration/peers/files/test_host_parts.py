"""Where the storage is no folder, what came of a large file stays on the host of the agent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from django.conf import settings
from django.test import override_settings
from moto import mock_aws

from offload.core.exceptions import TransferFailed
from offload.core.retries import RetryPolicy
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.limits import TransferLimits
from offload.core.transfers.stages import TransferTask
from offload.core.transfers.tickets import Ticket
from offload.core.transfers.tries import TransferPolicy
from offload.files.transfers import noted
from offload.files.transports import parts
from offload.files.transports.memory import MemoryTransport
from offload.files.transports.receiving import FileReceiver, IncomingFile
from offload.files.transports.watching import Watch
from offload.models import DyingFile, FileTransfer, stores
from tests.integration.files.transports.links import FOLDER, PEER, described, source
from tests.integration.world import waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALIAS, BUCKET = "bucket", "outputs"
CONTENT = os.urandom(2 << 20)
FILE = described("a", CONTENT)
TRANSFER = Transfer(peer=PEER, job_id="j", direction=Direction.INPUT, file=FILE)
CUT = 1_500_000
ONCE = TransferPolicy(retry=RetryPolicy(retries=0, delay=0.0))


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a storage in a pretended S3, and scratch folders of this test alone."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": BUCKET, "region_name": "us-east-1"},
    }
    given = {"STORAGES": {**settings.STORAGES, ALIAS: made}}
    given["OFFLOAD"] = {**settings.OFFLOAD, "SCRATCH": str(tmp_path)}
    with mock_aws(), override_settings(**given):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield


def fetch(transport: MemoryTransport, part: str, watch: Watch) -> bytes:
    """Fetch the file into the bucket, in one try; return what lies there."""
    ticket = transport.offer(TRANSFER, source(CONTENT))
    receiver = FileReceiver(
        transports={transport.name: transport},
        storage=ALIAS,
        policy=ONCE,
        limits=TransferLimits(free_bytes=0),
    )
    incoming = IncomingFile(transfer=TRANSFER, ticket=ticket, part=part)
    [stored] = receiver.receive([incoming], folder=FOLDER, watch=watch)
    with stores.storage(ALIAS).open(stored.location) as file:
        return bytes(file.read())


def test_a_fetch_goes_on_where_an_agent_died() -> None:
    part = parts.new_part(ALIAS, FILE)
    path = parts.path_of(ALIAS, part)
    assert path is not None
    with pytest.raises(TransferFailed, match="cut"):
        fetch(MemoryTransport(cuts=[CUT]), part, Watch())
    assert path.stat().st_size == CUT

    rest = Watch()
    reported: list[int] = []
    rest.progress = lambda one: reported.append(one.done)
    assert fetch(MemoryTransport(), part, rest) == CONTENT

    assert reported[0] == CUT
    assert reported == sorted(reported)


def test_a_fetch_on_another_host_begins_anew(tmp_path: Path) -> None:
    part = parts.new_part(ALIAS, FILE)
    with pytest.raises(TransferFailed):
        fetch(MemoryTransport(cuts=[CUT]), part, Watch())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    with override_settings(OFFLOAD={**settings.OFFLOAD, "SCRATCH": str(elsewhere)}):
        assert fetch(MemoryTransport(), part, Watch()) == CONTENT


def test_small_files_have_no_part() -> None:
    assert parts.new_part(ALIAS, described("a", b"small")) == ""


def noted_part(name: str) -> FileTransfer:
    """Return the row of a file whose part is on this host."""
    [job_id] = waiting()
    noted.note(
        job_id, peer=PEER, epoch=1, direction=Direction.INPUT, task=TransferTask.FETCH,
        files=[(FILE, Ticket(transport="http"))],
    )  # fmt: skip
    FileTransfer.objects.filter(job=job_id).update(part=name)
    parts.on_host().mkdir(parents=True, exist_ok=True)
    path = parts.path_of(ALIAS, name)
    assert path is not None
    path.write_bytes(b"x")
    return FileTransfer.objects.get(job=job_id)


def here() -> set[str]:
    """Return the names of the parts on this host."""
    return {one.name for one in parts.on_host().iterdir()}


def test_parts_that_no_row_names_are_removed_from_the_host(media: Any) -> None:
    assert noted.purge_parts() == 0
    noted_part("host:kept")
    (parts.on_host() / "old").write_bytes(b"x")

    assert noted.purge_parts() == 1

    assert here() == {"kept"}
    FileTransfer.objects.update(part="")
    assert noted.purge_parts() == 1
    assert here() == set()


def test_what_came_of_a_file_that_is_over_is_removed(media: Any) -> None:
    row = noted_part("host:over")

    noted.give_up(row.job_id, problem="its job is over", storage=ALIAS)

    assert here() == set()
    assert not DyingFile.objects.exists()
