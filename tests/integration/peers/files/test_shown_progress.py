"""Home shows how far the files of its jobs are that are away, as the other cluster told last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.files.transfers import claimed_files, noted
from offload.models import Peer
from offload.reading.waiting import explain
from tests.integration.peers.files.sent_outputs import FILES, claimed, succeed
from tests.integration.peers.files.test_inputs import away
from tests.integration.peers.travel.acting import row_at

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

pytestmark = pytest.mark.usefixtures("media")


def tell(link: Link) -> int:
    """Let the peer's announcement say how far files are; return of how many jobs."""
    with link.peer.here():
        told = [one.packed() for one in noted.moving("site")]
        assert noted.moving("other") == []
    with link.home.here():
        Peer.objects.filter(pk="render").update(moving=told)
    return len(told)


def sentence(link: Link) -> str:
    """Return what home says of its job."""
    row = row_at(link.home)
    with link.home.here():
        return explain.explain_job(row).sentence


def test_inputs_on_their_way_are_shown(link: Link) -> None:
    away(link, {"a": b"x" * 2_000, "b": b"y" * 1_000})
    link.exchange()
    files = claimed(link.peer)
    with link.peer.here():
        assert claimed_files.renew(files, {"a": 1_000}, lease=60.0)

    assert tell(link) == 1

    assert "Its files are on their way to render: 0 of 2 files, 1000" in sentence(link)
    assert "of 2.9" in sentence(link)


def test_outputs_on_their_way_are_shown(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()

    assert tell(by_http) == 1

    assert "that it made are on their way from render: 0 of 3 files" in sentence(by_http)


def test_what_was_told_of_an_earlier_binding_is_not_shown(link: Link) -> None:
    away(link)
    link.exchange()
    tell(link)
    with link.home.here():
        told = Peer.objects.get(pk="render").moving
        Peer.objects.update(moving=[{**one, "epoch": 7} for one in told])

    assert "on their way" not in sentence(link)


def test_nothing_is_told_of_files_that_are_there(link: Link) -> None:
    away(link, {})
    link.exchange()

    assert tell(link) == 0
