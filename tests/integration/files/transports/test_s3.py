"""The transport ``storage`` through S3: a bucket that both sites see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
import pytest
from django.conf import settings
from django.test import override_settings
from moto import mock_aws

from offload.core.exceptions import SourceCorrupt, TransferFailed
from offload.core.transfers.descriptions import Direction, Transfer
from offload.files.transports.receiving import IncomingFile
from offload.files.transports.shared_storage import StorageTransport
from offload.files.transports.transport import CHUNK_BYTES
from tests.integration.files.transports.links import (
    JOB,
    PEER,
    SHARED,
    StorageLink,
    described,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offload.core.transfers.tickets import Ticket
    from offload.files.transports.staging import StagedFile

BUCKET = "shared"


class S3Link(StorageLink):
    """Through a bucket."""

    def leftovers(self) -> list[str]:
        """Return the names in the bucket."""
        return keys()


def keys() -> list[str]:
    """Return the names in the bucket."""
    found = boto3.client("s3", region_name="us-east-1").list_objects_v2(Bucket=BUCKET)
    return [one["Key"] for one in found.get("Contents", ())]


@pytest.fixture
def link(staging: Path, storages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Link]:
    """Return a link by a bucket of a pretended S3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    bucket = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": BUCKET, "region_name": "us-east-1"},
    }
    with mock_aws(), override_settings(STORAGES={**settings.STORAGES, SHARED: bucket}):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield S3Link(staging=staging, shared=storages / SHARED)


@pytest.mark.parametrize("direction", list(Direction))
def test_files_arrive_through_a_bucket_which_is_empty_afterwards(
    link: S3Link, direction: Direction
) -> None:
    contents = {"empty": b"", "ünïcode 文.png": os.urandom(3 * CHUNK_BYTES + 1)}

    assert link.carry(direction, contents) == contents

    assert link.leftovers() == []


def test_a_bucket_is_read_on_from_where_a_transfer_was_cut(link: S3Link) -> None:
    content = os.urandom(2 * CHUNK_BYTES)
    file = described("a", content)
    transfer = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=file)
    ticket = StorageTransport(SHARED).offer(transfer, source(content))
    asked: list[int] = []

    class Cut(StorageTransport):
        """Ends the first try after one chunk."""

        def fetch(self, transfer: Transfer, ticket: Ticket, target: StagedFile) -> None:
            asked.append(target.size)
            if not asked[1:]:
                target.append(content[:CHUNK_BYTES])
                raise TransferFailed(name="a", problem="cut")
            super().fetch(transfer, ticket, target)

    link.transport = lambda: Cut(SHARED)  # type: ignore[method-assign]

    assert link.receive(Direction.INPUT, [IncomingFile(transfer=transfer, ticket=ticket)]) == {
        "a": content
    }
    assert asked == [0, CHUNK_BYTES]


def test_an_object_that_is_gone_or_changed_is_not_stored(link: S3Link, storages: Path) -> None:
    file = described("a", b"right")
    transfer = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=file)
    transport = StorageTransport(SHARED)
    ticket = transport.offer(transfer, source(b"right"))
    incoming = [IncomingFile(transfer=transfer, ticket=ticket)]
    [key] = keys()

    boto3.client("s3", region_name="us-east-1").put_object(Bucket=BUCKET, Key=key, Body=b"wrong")
    with pytest.raises(SourceCorrupt, match="another SHA-256"):
        link.receive(Direction.INPUT, incoming)
    transport.withdraw(transfer, ticket)
    with pytest.raises(SourceCorrupt, match="no longer there"):
        link.receive(Direction.INPUT, incoming)

    assert [path for path in (storages / "remote").rglob("*") if path.is_file()] == []
