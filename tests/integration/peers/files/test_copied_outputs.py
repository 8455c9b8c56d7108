"""Outputs whose content home has are copied there, and not sent (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db.models import F

from offload.models import FileTransfer, Job, PayloadFile
from offload.peers.files import carrying, pushing
from tests.integration.peers.files.sent_outputs import (
    arrive,
    asked_for,
    claimed,
    content_of,
    end,
    is_settled,
    succeed,
)
from tests.integration.peers.files.test_inputs import stored
from tests.integration.peers.travel.acting import row_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.peers.travel.clusters import Link

pytestmark = [pytest.mark.usefixtures("media", "told")]

FILES = {"48.png": b"small" * 10, "1280.png": b"large" * 1000}


@pytest.fixture
def known(by_http: Link) -> Link:
    """Return the link after a job whose outputs were pushed, and are all that both remember."""
    succeed(by_http, FILES)
    by_http.exchange()
    arrive(by_http, FILES)
    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.exchange()
    with by_http.peer.here():
        Job.objects.all().delete()
    return by_http


def carry(link: Link) -> bool:
    """Let an agent of home carry what is due."""
    with link.home.here():
        return carrying.carry_some("agent@host")


def transfers(link: Link) -> list[tuple[object, ...]]:
    """Return what home's rows say of its transfers."""
    with link.home.here():
        rows = FileTransfer.objects.order_by("name")
        return list(rows.values_list("name", "task", "stage", "sent", "saved", "error"))


def test_what_home_has_is_not_sent(known: Link) -> None:
    succeed(known, {**FILES, "new.txt": b"new"})
    known.exchange()
    assert asked_for(known) == ["new.txt"]
    assert row_at(known.home).state == "ACTIVE"
    arrive(known, {"new.txt": b"new"})
    end(known.peer, claimed(known.peer), pushing)

    assert carry(known)
    known.carry(known.peer)
    known.exchange()

    row = row_at(known.home)
    assert (row.state, row.attempts) == ("SUCCEEDED", 1)
    with known.home.here():
        made = PayloadFile.objects.outputs().filter(job=row)
        assert {one.name: content_of(one) for one in made} == {**FILES, "new.txt": b"new"}
    assert transfers(known) == [
        ("1280.png", "copy", "done", 0, 5_000, ""),
        ("48.png", "copy", "done", 0, 50, ""),
    ]
    assert is_settled(known)


@pytest.mark.parametrize("damaged", [b"", b"other"])
def test_what_cannot_be_copied_is_sent(known: Link, damaged: bytes, media: Path) -> None:
    for path in media.rglob("*"):
        if path.is_file() and path.stat().st_size == 50:
            path.write_bytes(damaged) if damaged else path.unlink()
    succeed(known, FILES)
    known.exchange()
    assert asked_for(known) == []

    assert carry(known)
    known.carry(known.peer)
    known.exchange()

    assert asked_for(known) == sorted(FILES)
    assert {one[2] for one in transfers(known)} == {"failed"}
    assert {one[5] for one in transfers(known)} == {""}
    arrive(known, FILES)
    end(known.peer, claimed(known.peer), pushing)
    known.exchange()
    assert row_at(known.home).state == "SUCCEEDED"
    assert row_at(known.home).attempts == 1


def test_what_only_home_knows_is_sent(known: Link) -> None:
    with known.home.here():
        Job.objects.update(peer="other")
    succeed(known, FILES)
    known.exchange()

    assert asked_for(known) == sorted(FILES)


def test_a_copy_for_a_job_that_was_moved_is_dropped(known: Link, media: Path) -> None:
    succeed(known, FILES)
    known.exchange()
    with known.home.here():
        Job.objects.filter(state="ACTIVE").update(epoch=F("epoch") + 1)
    before = stored(media)

    carry(known)

    assert stored(media) == before
    with known.home.here():
        assert not FileTransfer.objects.open().exists()
