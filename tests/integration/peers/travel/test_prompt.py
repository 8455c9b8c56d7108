"""Bindings and ends are sent to other clusters at once, without waiting for a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.peers.contents import (
    CloneReport,
    PeerEnvelope,
    PeerNews,
)
from offload.dispatch.remote_sending import remote_sending
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.models import Job, News
from offload.peers import outboxes, prompt, sending
from tests.integration.peers.travel.acting import begin, bind, claim, row_at
from tests.integration.world import TOPIC, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offload.core.peers.contents import Content
    from tests.integration.peers.travel.clusters import Link


class Broker:
    """The broker between the clusters: what it took, and whether it takes anything."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Content]] = []
        self.tries = 0
        self.is_away = False

    def send(self, peer: str, contents: Sequence[Content], **_: Any) -> bool:
        """Take contents, or none."""
        self.tries += 1
        if not self.is_away:
            self.taken += [(peer, one) for one in contents]
        return not self.is_away


@pytest.fixture
def broker_between(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Return a broker that takes all, and which nobody knows to be away."""
    made = Broker()
    monkeypatch.setattr(sending, "send", made.send)
    monkeypatch.setattr(outboxes, "is_full", lambda _: False)
    prompt._breakers.clear()
    yield made
    prompt._breakers.clear()


def submitted(link: Link) -> str:
    """Submit a job at home that only the peer can run; return its id."""
    with link.home.here(), remote_sending.instead(prompt.send_bound):
        return offload.submit(TOPIC).id


def test_a_job_is_sent_with_its_submission(link: Link, broker_between: Broker) -> None:
    job_id = submitted(link)

    [(peer, envelope)] = broker_between.taken
    assert isinstance(envelope, PeerEnvelope)
    assert (peer, envelope.job_id, envelope.epoch) == ("render", job_id, 1)
    assert row_at(link.home).publishes == 1
    assert link.send(link.home) == []


def test_jobs_that_the_broker_did_not_take_are_due_and_the_next_one_does_not_try(
    link: Link, broker_between: Broker
) -> None:
    broker_between.is_away = True

    first, second = submitted(link), submitted(link)

    assert broker_between.tries == 1
    due = [one for one in link.send(link.home) if isinstance(one, PeerEnvelope)]
    assert [one.job_id for one in due] == [first, second]


def test_an_error_of_what_sends_keeps_no_job_back(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with link.home.here(), remote_sending.instead(broken):
        offload.submit(TOPIC)

    assert "jobs bound to render are sent later" in caplog.text
    assert len(link.send(link.home)) == 1


def test_an_end_is_reported_at_once_and_by_one_alone(link: Link, broker_between: Broker) -> None:
    ending = begin(link)
    with link.peer.here():
        endings.succeed(ending, 7)
        assert prompt.report_ends() == 1
        assert prompt.report_ends() == 0

    [(home, report)] = broker_between.taken
    assert isinstance(report, CloneReport)
    assert (home, report.news, report.details["value"]) == ("site", PeerNews.SUCCEEDED, 7)
    # It waits for its answer.
    assert link.send(link.peer) == []
    link.deliver(link.home, report)
    link.carry(link.peer)
    assert row_at(link.home).state == "SUCCEEDED"
    with link.peer.here():
        assert not News.objects.exists()


def test_an_end_that_the_broker_did_not_take_is_due(link: Link, broker_between: Broker) -> None:
    ending = begin(link)
    broker_between.is_away = True
    with link.peer.here():
        endings.succeed(ending, 7)
        assert prompt.report_ends() == 0
        assert prompt.report_ends() == 0

    assert broker_between.tries == 1
    assert [type(one) for one in link.send(link.peer)] == [CloneReport]


def test_a_beginning_is_left_to_the_duty(link: Link, broker_between: Broker) -> None:
    job_id = bind(link)
    link.send(link.home)
    link.carry(link.peer)
    assert claim(link, job_id) is not None
    with link.peer.here():
        assert prompt.report_ends() == 0
    assert broker_between.taken == []


def test_an_end_of_the_own_cluster_costs_one_statement_per_home(link: Link) -> None:
    with link.home.here(), statements() as asked:
        assert prompt.report_ends() == 0

    assert len(asked) == 1


def test_a_report_makes_room_for_the_next_job(link: Link, broker_between: Broker) -> None:
    with link.home.here():
        window = next(iter(windows()))
    waiting = [submitted(link) for _ in range(window + 1)]
    with link.home.here(), remote_sending.instead(prompt.send_bound):
        prompt.refill()
        assert Job.objects.filter(state="PENDING").count() == 1
        Job.objects.filter(pk=waiting[0]).delete()
        assert prompt.refill() == 1

    assert [one.job_id for _, one in broker_between.taken] == waiting  # type: ignore[union-attr]


def windows() -> list[int]:
    """Return the windows of the peers' instances."""
    return [one.window for one in snapshot().topology.remote]
