"""The ways in which outputs get home in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile

from offload.core.exceptions import TransferFailed
from offload.files import outputs
from offload.files.transfers import claimed_files
from offload.jobs import endings
from offload.models import Attempt, FileTransfer, Job, News, PayloadFile
from offload.peers.files import reported
from offload.peers.files.home_jobs import HomeJobs
from tests.integration.peers.travel.acting import begin

if TYPE_CHECKING:
    import pytest

    from offload.core.exceptions import FileProblem
    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles
    from tests.integration.peers.travel.clusters import Cluster, Link

FILES = {"48.png": b"small", "renditions/1280.png": b"large" * 1000, "empty": b""}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
REFUSED = TransferFailed(name="48.png", problem="the other site refuses it")


def succeed(link: Link, files: dict[str, bytes], **facts: Any) -> None:
    """Let a job of home's make files at the peer, and succeed there."""
    ending = begin(link, **facts)
    with link.peer.here():
        for name, content in files.items():
            outputs.add(ending.key, name, content)
        endings.succeed(ending, "done")


def claimed(cluster: Cluster) -> ClaimedFiles:
    """Claim the files that an agent of a cluster has to carry."""
    with cluster.here():
        found = claimed_files.claim("agent@here", storage="offload", lease=60.0)
    assert found is not None
    return found


def asked_for(link: Link) -> list[str]:
    """Return the names of files that the peer has to push."""
    with link.peer.here():
        names = FileTransfer.objects.filter(task="push").open().values_list("name", flat=True)
        return sorted(names)


def arrive(link: Link, files: dict[str, bytes]) -> None:
    """Let home take files that the peer's agent pushes."""
    with link.peer.here():
        clone = Job.objects.get()
        made = reported.made_by(clone)
        sent = [reported.transfer_of(clone, made[name].description) for name in files]
    with link.home.here():
        found = HomeJobs().accept([(one, ContentFile(files[one.file.name])) for one in sent])
    for problem in filter(None, found):
        raise problem


def end(
    cluster: Cluster,
    files: ClaimedFiles,
    side: Any,
    stored: tuple[Stored, ...] = (),
    error: FileProblem | None = None,
) -> None:
    """End the transfers of an agent."""
    with cluster.here():
        if error is None:
            assert claimed_files.finish(files, {})
        else:
            assert claimed_files.fail(
                files, name=error.name, code=error.code, problem=error.problem
            )
        side.ended(files, stored, error)


def visible(link: Link) -> dict[str, bytes]:
    """Return the outputs that home shows."""
    with link.home.here():
        return {one.name: content_of(one) for one in PayloadFile.objects.outputs()}


def content_of(row: PayloadFile) -> bytes:
    with row.open() as file:
        return bytes(file.read())


def failure(link: Link) -> str:
    """Return the error of home's one attempt that failed."""
    with link.home.here():
        return Attempt.objects.get(cause="failed").error


def is_settled(link: Link) -> bool:
    """Tell whether the peer has nothing to tell home, and no file on its way."""
    with link.peer.here():
        return not News.objects.exists() and not FileTransfer.objects.open().exists()


def having(link: Link, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Link:
    """Return a link whose clusters have these settings besides."""
    usual = type(link.home).here
    monkeypatch.setattr(type(link.home), "here", lambda self: usual(self, **options))
    return link
