"""Contents that no job uses any more are kept for a while, and not sent again (G6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F

from offload.files import collection, deletion, verification
from offload.files.transfers import kept
from offload.fleet.snapshots import now
from offload.models import FileTransfer, Job, KeptFile
from offload.tracking import terminations
from tests.integration.peers.files.test_inputs import away, carry, stored
from tests.integration.peers.travel.acting import row_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.peers.travel.clusters import Link

FILES = {"in.txt": b"content", "more/other.bin": b"other content"}
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def forgotten(link: Link) -> None:
    """Let the peer have fetched the files of a job, and have forgotten that job."""
    away(link, FILES)
    link.exchange()
    assert carry(link.peer)
    with link.peer.here():
        ids = list(Job.objects.values_list("pk", flat=True))
        terminations.drop(ids)
        deletion.forget(ids)
        assert not Job.objects.exists()


def again(link: Link) -> list[tuple[int, int]]:
    """Return what came, and what need not come, of the same files of another job."""
    away(link, FILES)
    link.exchange()
    carry(link.peer)
    with link.peer.here():
        rows = FileTransfer.objects.order_by("name")
        assert set(rows.values_list("stage", flat=True)) == {"done"}
        return list(rows.values_list("sent", "saved"))


def dropped(link: Link, **options: Any) -> int:
    """Let the peer drop what is kept for too long, or too much."""
    with link.peer.here(**{"MIN_FREE": 0, **options}):
        return kept.prune()


def test_what_was_fetched_before_is_not_fetched_again(link: Link, media: Path) -> None:
    forgotten(link)
    assert stored(media) == 4

    assert again(link) == [(0, 7), (0, 13)]


def test_nothing_is_kept_where_the_setting_says_so(link: Link, media: Path) -> None:
    away(link, FILES)
    link.exchange()
    assert carry(link.peer)
    with link.peer.here(KEEP_FILES=0.0):
        ids = list(Job.objects.values_list("pk", flat=True))
        terminations.drop(ids)
        deletion.forget(ids)
        assert not KeptFile.objects.exists()
    assert stored(media) == 2


def test_of_equal_contents_one_is_kept(link: Link, media: Path) -> None:
    forgotten(link)
    forgotten(link)

    with link.peer.here():
        assert KeptFile.objects.count() == 2
        collection.collect_all()
    assert stored(media) == 6


def test_another_cluster_gets_nothing_of_it(link: Link) -> None:
    forgotten(link)
    with link.peer.here():
        KeptFile.objects.update(peer="other")

    assert again(link) == [(7, 0), (13, 0)]


def test_what_was_not_used_for_too_long_is_dropped(link: Link, media: Path) -> None:
    forgotten(link)
    with link.peer.here():
        KeptFile.objects.filter(size=7).update(used_at=F("used_at") - timedelta(days=2))

    assert dropped(link) == 1
    assert dropped(link) == 0

    with link.peer.here():
        assert [one.size for one in KeptFile.objects.all()] == [13]
    assert stored(media) == 3


def test_the_oldest_of_too_much_is_dropped(link: Link, media: Path) -> None:
    forgotten(link)
    with link.peer.here():
        KeptFile.objects.filter(size=13).update(used_at=F("used_at") - timedelta(hours=2))

    assert dropped(link, MAX_KEPT=19) == 1

    with link.peer.here():
        assert [one.size for one in KeptFile.objects.all()] == [7]


def test_what_is_kept_gives_way_where_the_disk_is_full(link: Link, media: Path) -> None:
    forgotten(link)

    assert dropped(link, MIN_FREE=1 << 60) == 2

    assert stored(media) == 2


def test_what_is_being_copied_is_not_dropped(link: Link, media: Path) -> None:
    forgotten(link)
    with link.peer.here():
        one = KeptFile.objects.get(size=7)
        description = FileTransfer(name="a", size=7, media_type="", sha256=one.sha256).description
        source = kept.pinned("site", description)
        assert source is not None
        assert kept.drop_all() == 1
        with source.open() as content:
            assert content.read() == b"content"
        KeptFile.objects.update(pinned_until=now() - timedelta(seconds=1))
        assert kept.drop_all() == 1
        assert kept.pinned("site", description) is None
    assert stored(media) == 2


def test_what_is_kept_is_no_orphan(link: Link, media: Path) -> None:
    forgotten(link)
    with link.peer.here():
        places = list(KeptFile.objects.values_list("storage", "location"))
        found = verification.orphans("offload", before=LATER.timestamp())
        assert {one.location for one in found}.isdisjoint(location for _, location in places)
        assert collection.drop_orphans(places) == 0
    assert row_at(link.home).state == "QUEUED"
