"""Inputs of a job come to the peer before its clone may be bound (P11)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.files import collection
from offload.files.transfers import claimed_files
from offload.files.transports.watching import Watch
from offload.models import DyingFile, FileTransfer, Job, News, PayloadFile
from offload.peers.files import carrying
from offload.reading.waiting import explain
from tests.arranging import arrange
from tests.integration.peers.travel.acting import claim, row_at
from tests.integration.world import TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.peers.travel.clusters import Cluster, Link

FILES = {"in.txt": b"content", "more/empty.bin": b""}
FREE = {"MIN_FREE": 0}


def away(link: Link, files: dict[str, bytes] | None = None) -> str:
    """Return the id of a job with files that is bound to the peer."""
    with link.home.here():
        job = offload.submit(TOPIC, {"width": 7}, files=FILES if files is None else files)
        dispatching.sweep()
        assert Job.objects.get(pk=job.id).peer == "render"
    return job.id


def carry(cluster: Cluster, **options: Any) -> bool:
    """Let an agent of a cluster carry what is due."""
    with cluster.here(**{**FREE, **options}):
        return carrying.carry_some("agent@host")


@contextmanager
def noted(link: Link) -> Iterator[str]:
    """Let a job with files be known to the peer, and be at the peer for a block."""
    job_id = away(link)
    link.exchange()
    with link.peer.here(**FREE):
        yield job_id


def content(file: PayloadFile) -> bytes:
    """Return the bytes of a stored file."""
    with file.open() as opened:
        return bytes(opened.read())


def stored(media: Path) -> int:
    """Return how many files lie in the storage of both."""
    return sum(path.is_file() for path in media.rglob("*"))


def test_a_clone_waits_for_its_files_and_then_begins(link: Link, media: Path) -> None:
    job_id = away(link)
    link.exchange()

    waiting = row_at(link.peer)
    assert (waiting.state, waiting.hold) == ("PENDING", "payload")
    with link.peer.here():
        assert dispatching.sweep() == 0
        assert explain.explain_job(waiting).sentence.startswith("Its files are on their way")

    assert carry(link.peer)
    assert not carry(link.peer)

    assert claim(link, job_id) is not None
    with link.peer.here():
        found = {one.name: one for one in PayloadFile.objects.filter(payload__jobs=job_id)}
        assert {name: content(one) for name, one in found.items()} == FILES
        rows = FileTransfer.objects.order_by("name").values_list("name", "stage", "sent", "tries")
        assert list(rows) == [("in.txt", "done", 7, 1), ("more/empty.bin", "done", 0, 1)]
    assert stored(media) == 4


def test_a_known_envelope_fetches_nothing_again(link: Link, media: Path) -> None:
    with noted(link):
        pass
    carry(link.peer)
    with link.home.here():
        arrange(Job.objects.all(), publishes=0)

    link.exchange()

    assert not carry(link.peer)
    assert stored(media) == 4


def test_a_content_that_the_peer_has_is_not_carried_again(link: Link, media: Path) -> None:
    with noted(link):
        pass
    carry(link.peer)
    away(link)
    link.exchange()

    carry(link.peer)

    with link.peer.here():
        second = FileTransfer.objects.filter(name="in.txt").latest("pk")
        assert (second.stage, second.sent, second.saved) == ("done", 0, 7)


def test_a_file_that_is_gone_at_home_ends_the_job(link: Link, media: Path) -> None:
    job_id = away(link)
    for path in media.rglob("*"):
        if path.is_file():
            path.unlink()

    link.exchange()

    job = row_at(link.home)
    assert (job.state, job.error_type.rpartition(".")[2]) == ("ERROR", "SourceCorrupt")
    assert "no longer there" in job.error
    with link.peer.here():
        assert not Job.objects.filter(pk=job_id).exists()


def test_other_bytes_than_announced_end_the_job_with_an_error(link: Link, media: Path) -> None:
    with noted(link):
        FileTransfer.objects.filter(name="in.txt").update(ticket={"content": "b3RoZXIh"})

    carry(link.peer)
    link.exchange()

    clone, job = row_at(link.peer), row_at(link.home)
    assert (clone.state, job.state) == ("ERROR", "ERROR")
    assert job.error_type.rpartition(".")[2] == "SourceCorrupt"
    with link.peer.here():
        failed = FileTransfer.objects.get(name="in.txt")
        assert (failed.stage, failed.error_type) == ("failed", "source_corrupt")
        assert not News.objects.exists()
        collection.collect_all()
    assert stored(media) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"MIN_FREE": 1 << 60}, "no room"),
        ({"STORAGE": "broken"}, "could not get"),
    ],
)
def test_a_peer_that_cannot_take_the_files_refuses_and_home_binds_anew(
    link: Link, media: Path, options: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "CLAIMS_MAX", 1)
    with noted(link):
        pass

    carry(link.peer, **options)
    link.exchange()

    job = row_at(link.home)
    assert (job.state, job.refusals, job.attempts) == ("PENDING", 1, 0)
    with link.home.here():
        assert reason in job.exclusions.get().reason
    assert row_at(link.peer).state == JobState.ERROR
    assert stored(media) == 2


def test_too_many_files_are_refused_before_any_is_fetched(link: Link, media: Path) -> None:
    away(link)
    link.send(link.home)
    with link.peer.here():
        pass
    usual = link.peer.here
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(link.peer), "here", lambda self: usual(MAX_FILES=1))
        link.carry(link.peer)
    link.send(link.peer)
    link.carry(link.home)

    assert (row_at(link.home).state, row_at(link.home).refusals) == ("PENDING", 1)
    with link.peer.here():
        assert not FileTransfer.objects.exists()


def test_a_withdrawal_ends_the_fetching_and_leaves_nothing(link: Link, media: Path) -> None:
    with noted(link) as job_id:
        files = claimed_files.claim("agent@host", storage="offload", lease=60.0)
        assert files is not None
        came = carrying.WORK[files.direction, files.task].carry(files, Watch())
        assert stored(media) == 4

    with link.home.here():
        offload.stop(job_id)
    link.exchange()

    assert row_at(link.peer).state == JobState.STOPPED
    assert row_at(link.home).state == JobState.STOPPED
    with link.peer.here():
        assert not claimed_files.renew(files, {}, lease=60.0)
        work = carrying.WORK[files.direction, files.task]
        carrying._end(files, work, came, None, {})
        collection.collect_all()
        assert not DyingFile.objects.exists()
    assert stored(media) == 2


def test_a_newer_envelope_takes_the_place_of_files_on_their_way(link: Link, media: Path) -> None:
    with noted(link):
        pass
    with link.home.here():
        arrange(Job.objects.all(), state="PENDING", peer=None, instance="", publishes=0)
        assert dispatching.sweep() == 1
    link.exchange()

    carry(link.peer)

    clone = row_at(link.peer)
    assert (clone.home_epoch, clone.hold) == (2, "")
    with link.peer.here():
        assert set(FileTransfer.objects.values_list("epoch", "stage")) == {(2, "done")}
    assert stored(media) == 4


def test_a_clone_that_ended_meanwhile_keeps_nothing(link: Link, media: Path) -> None:
    with noted(link) as job_id:
        offload.stop(job_id)

    carry(link.peer)

    assert not carry(link.peer)
    with link.peer.here():
        collection.collect_all()
    assert stored(media) == 2


def test_a_job_with_files_stays_where_no_transport_leads_away(link: Link, media: Path) -> None:
    with link.home.here(TRANSPORTS={"*": ["http"]}):
        job = offload.submit(TOPIC, files=FILES)
        assert dispatching.sweep() == 0
        told = explain.explain_job(Job.objects.get(pk=job.id))
    assert "no transport carries them to render" in " ".join(map(str, told.verdicts))
