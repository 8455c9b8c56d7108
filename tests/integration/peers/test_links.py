"""Links: a thread per broker, none without peers; what fails is delivered again or dropped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import override_settings

from offload.conf import peers
from offload.core.peers.link_broker import LinkBroker
from offload.messaging import clusters
from offload.models import Peer, PeerRefusal
from offload.peers import links, sending, silence
from offload.peers.links import PeerLink
from offload.peers.receiving import DatabaseOutOfReach, Receiver
from offload.worker.agent.duties import new_duties
from tests.integration.peers.messages import (
    CONTENTS,
    RENDER,
    SETTING,
    SITE,
    announcement,
    sealed,
)
from tests.integration.world import statements
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from offload.core.peers.configuration import PeersConfig

NAMES = {"announce to peers", "observe peers", "send to peers", "forget messages of peers"}


@pytest.fixture(autouse=True)
def queue(app: Celery) -> Iterator[None]:
    """Begin and end with nothing in the queues of clusters."""
    purge(app)
    yield
    purge(app)


def purge(app: Celery) -> None:
    """Empty the queues of both clusters, which all tests of a process share."""
    with app.connection_for_read() as connection:
        for one in (SITE, RENDER):
            for queue in (clusters.cluster_queue(one), clusters.presence_queue(one)):
                queue.bind(connection.default_channel).purge()


class Flaky(Receiver):
    """A receiver whose database is away the first time."""

    tries = 0

    def take(self, data: bytes) -> None:
        """Take it the second time."""
        self.tries += 1
        if self.tries == 1:
            raise DatabaseOutOfReach("away")
        super().take(data)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(links, "PAUSE_SECONDS", 0.01)


def test_nothing_is_started_asked_or_done_without_peers(database_alias: str) -> None:
    with override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": {}}):
        before = threading.active_count()
        with statements() as asked:
            assert links.start() == []
            assert not silence.has_peers()
        assert not {one.name for one in new_duties(with_peers=False)} & NAMES
        assert threading.active_count() == before
        # Once per leader: whether the settings named another cluster before.
        assert len(asked) == 1


def test_the_leader_has_duties_for_peers() -> None:
    assert {one.name for one in new_duties(with_peers=silence.has_peers())} >= NAMES


def test_there_are_two_links_per_broker() -> None:
    other = {**SETTING, "print": {**SETTING["print"], "BROKER": "memory://other"}}
    with override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": other}):
        started = links.start()
        for one in started:
            one.stop()
        for one in started:
            one.join(60)
    assert len(started) == 4


def test_a_message_is_delivered_again_after_the_database_was_away(
    config: PeersConfig, quick: None
) -> None:
    receiver = Flaky(config=config)
    clusters.send(SITE, LinkBroker(), [sealed(announcement())])
    link = PeerLink(LinkBroker(), receiver)
    link.start()
    try:
        eventually(lambda: Peer.objects.filter(beat=7).exists(), what="the message is taken")
        eventually(lambda: clusters.waiting(SITE, LinkBroker()) == 0, what="it is acknowledged")
    finally:
        link.stop()
        link.join(60)
    assert receiver.tries == 2
    assert not PeerRefusal.objects.exists()


def test_a_message_that_can_never_be_taken_does_not_come_again(
    config: PeersConfig, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("offload.peers.hearing.hear", broken)
    clusters.send(SITE, LinkBroker(), [sealed(announcement()), b"noise"])
    link = PeerLink(LinkBroker(), Receiver(config=config))
    link.start()
    try:
        eventually(lambda: PeerRefusal.objects.count() == 2, what="both are counted")
        assert clusters.waiting(SITE, LinkBroker()) == 0
    finally:
        link.stop()
        link.join(60)
    assert {one.kind: one.count for one in PeerRefusal.objects.all()} == {
        "failed": 1,
        "unsigned": 1,
    }


def test_what_is_sent_is_signed_for_the_peer_and_waits_in_its_queue() -> None:
    assert sending.send(RENDER, [CONTENTS["withdrawal"], CONTENTS["announcement"]])
    assert clusters.waiting(RENDER, LinkBroker()) == 2
    assert clusters.waiting(SITE, LinkBroker()) == 0


def test_a_cluster_that_is_not_known_any_more_is_sent_nothing() -> None:
    assert not sending.send("gone", [CONTENTS["withdrawal"]])


def test_what_is_too_large_for_a_message_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    large = announcement(instances=({"name": "x" * (1 << 20)},))

    assert sending.send(RENDER, [large, CONTENTS["withdrawal"]])

    assert clusters.waiting(RENDER, LinkBroker()) == 1
    assert "a PeerAnnouncement for render cannot be sent" in caplog.text


def test_a_broker_that_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    away = {RENDER: {**SETTING[RENDER], "BROKER": "redis://127.0.0.1:1/0"}}
    with override_settings(OFFLOAD={**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": away}):
        assert peers()
        for _ in range(2):
            assert not sending.send(RENDER, [CONTENTS["withdrawal"]])
    assert caplog.text.count("nothing can be sent to render now") == 1


def test_the_options_of_a_links_broker_are_those_that_the_settings_give() -> None:
    given = LinkBroker(
        url="redis://127.0.0.1:1/0",
        options={"visibility_timeout": 7, "socket_timeout": 1.5},
        ssl={"ssl_cert_reqs": "none"},
    )

    with clusters.connect(given) as connection:
        options = connection.transport_options or {}
        assert (options["visibility_timeout"], options["socket_timeout"]) == (7, 1.5)
        assert connection.ssl == {"ssl_cert_reqs": "none"}
