"""Outputs of a job that ran at a peer come home before its end is taken (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.peers.contents import OutputInvitation
from offload.core.transfers.stages import TransferStage
from offload.files.transfers import claimed_files
from offload.files.transports.watching import Watch
from offload.models import FileTransfer, News, PayloadFile
from offload.peers.files import fetched_outputs, pushing, receipt
from tests.integration.peers.files.sent_outputs import (
    FILES,
    LONG_AGO,
    arrive,
    asked_for,
    claimed,
    end,
    is_settled,
    succeed,
    visible,
)
from tests.integration.peers.travel.acting import row_at

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

pytestmark = pytest.mark.usefixtures("media")


def test_home_takes_a_success_once_all_outputs_were_pushed(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()
    assert asked_for(by_http) == sorted(FILES)
    arrive(by_http, FILES)
    assert row_at(by_http.home).state == "ACTIVE"
    assert visible(by_http) == {}

    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.exchange()

    row = row_at(by_http.home)
    assert (row.state, row.result, row.attempts) == ("SUCCEEDED", "done", 1)
    assert visible(by_http) == FILES
    assert is_settled(by_http)


def test_a_job_without_outputs_is_taken_at_once(by_http: Link) -> None:
    succeed(by_http, {})
    by_http.exchange()

    assert row_at(by_http.home).state == "SUCCEEDED"
    assert is_settled(by_http)


@pytest.mark.parametrize("way", ["link", "by_storage"])
@pytest.mark.usefixtures("told")
def test_homes_agent_fetches_what_the_peer_can_offer(
    way: str, request: pytest.FixtureRequest
) -> None:
    link: Link = request.getfixturevalue(way)
    succeed(link, FILES)
    link.exchange()
    assert row_at(link.home).state == "ACTIVE"
    assert asked_for(link) == []

    files = claimed(link.home)
    with link.home.here():
        stored = fetched_outputs.fetch(files, Watch())
    assert visible(link) == {}
    end(link.home, files, fetched_outputs, tuple(stored))
    link.carry(link.peer)
    link.exchange()

    assert row_at(link.home).state == "SUCCEEDED"
    assert visible(link) == FILES
    assert is_settled(link)


def test_what_is_lost_is_asked_for_again(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.send(by_http.peer)
    by_http.carry(by_http.home)
    [invitation] = by_http.sent["render"]
    assert isinstance(invitation, OutputInvitation)
    by_http.sent["render"].clear()

    with by_http.peer.here():
        News.objects.update(due_at=LONG_AGO)
    by_http.exchange()

    assert asked_for(by_http) == sorted(FILES)


def test_a_report_that_comes_twice_is_taken_once(by_http: Link) -> None:
    succeed(by_http, FILES)
    [report] = by_http.send(by_http.peer)
    by_http.exchange()
    by_http.deliver(by_http.home, report)
    arrive(by_http, FILES)
    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.exchange()
    invitations = [one for one in by_http.sent["render"] if isinstance(one, OutputInvitation)]

    by_http.deliver(by_http.home, report)
    by_http.exchange()
    for one in invitations:
        by_http.deliver(by_http.peer, one)

    assert visible(by_http) == FILES
    assert is_settled(by_http)


def test_outputs_that_home_has_have_come_though_their_agent_does_not_know_it_yet(
    by_http: Link,
) -> None:
    succeed(by_http, FILES)
    [report] = by_http.send(by_http.peer)
    by_http.exchange()
    files = claimed(by_http.peer)
    arrive(by_http, FILES)

    by_http.deliver(by_http.home, report)
    by_http.exchange()

    assert row_at(by_http.home).state == "SUCCEEDED"
    with by_http.peer.here():
        found = FileTransfer.objects.values_list("name", "stage", "sent", "saved", "error")
        assert sorted(found) == [
            (name, TransferStage.DONE, len(content), 0, "")
            for name, content in sorted(FILES.items())
        ]
        assert not claimed_files.finish(files, {})
    assert is_settled(by_http)


def test_an_invitation_that_comes_after_the_verdict_is_for_nothing(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.send(by_http.peer)
    by_http.carry(by_http.home)
    [invitation] = by_http.sent["render"]
    by_http.exchange()
    arrive(by_http, FILES)
    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.exchange()

    by_http.deliver(by_http.peer, invitation)

    assert asked_for(by_http) == []


def test_outputs_that_are_asked_for_in_parts_all_come(
    by_http: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt, "INVITATION_BYTES", 1_500)
    files = {f"{number}.png": b"%d" % number for number in range(4)}
    succeed(by_http, files)
    rounds = 0
    while row_at(by_http.home).state == "ACTIVE":
        by_http.exchange()
        asked = asked_for(by_http)
        assert 0 < len(asked) < len(files)
        arrive(by_http, {name: files[name] for name in asked})
        end(by_http.peer, claimed(by_http.peer), pushing)
        by_http.exchange()
        rounds += 1

    assert rounds > 1
    assert visible(by_http) == files


def test_what_home_had_and_lost_is_pushed_again(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()
    arrive(by_http, FILES)
    end(by_http.peer, claimed(by_http.peer), pushing)
    with by_http.home.here():
        PayloadFile.objects.filter(name="48.png").delete()

    by_http.exchange()
    assert asked_for(by_http) == ["48.png"]
    arrive(by_http, {"48.png": FILES["48.png"]})
    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.exchange()

    assert visible(by_http) == FILES
