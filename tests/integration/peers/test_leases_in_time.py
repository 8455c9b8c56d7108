"""Leases that hold although all else is slow: announcements wait for nothing, and for nobody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from offload.conf import lease_time, peers, settings
from offload.core.peers.contents import Confirmation
from offload.core.peers.link_broker import LinkBroker
from offload.fleet.duties import Duty
from offload.messaging import clusters
from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.peers import announcing, links
from offload.peers.receiving import Receiver
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from tests.integration.peers.messages import CONTENTS, RENDER, SITE, announcement, sealed
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from offload.core.peers.configuration import PeersConfig
    from offload.fleet.leadership import Term

#: Jobs and reports that wait for this cluster.
WAITING = 300


@pytest.fixture
def answers() -> list[Any]:
    """Return the list of what is answered."""
    return []


@pytest.fixture
def receiver(config: PeersConfig, answers: list[Any]) -> Receiver:
    """Return a receiver whose answers are kept."""

    def answer(peer: str, contents: Any, *, apart: bool = False) -> None:
        answers.append((peer, contents, apart))

    return Receiver(config=config, answer=answer)


@pytest.fixture
def queues(app: Celery) -> Iterator[None]:
    """Begin with nothing in the queues of either cluster, and leave nothing there."""
    purge(app)
    yield
    purge(app)


def purge(app: Celery) -> None:
    """Remove what waits."""
    with app.connection_for_read() as connection:
        for one in (SITE, RENDER):
            for queue in (clusters.cluster_queue(one), clusters.presence_queue(one)):
                queue.bind(connection.default_channel).purge()


def test_an_announcement_is_confirmed_at_once(receiver: Receiver, answers: list[Any]) -> None:
    receiver.take(sealed(announcement(beat=7, hears_apart=True)))

    confirmation = Confirmation(confirms=7, lease=lease_time())
    assert answers == [(RENDER, (confirmation,), True)]
    assert Peer.objects.get(pk=RENDER).confirmed == 7
    receiver.take(sealed(announcement(beat=6, hears_apart=True)))
    assert len(answers) == 1


def test_a_cluster_of_an_older_version_gets_no_answer(
    receiver: Receiver, answers: list[Any]
) -> None:
    receiver.take(sealed(announcement(beat=7)))

    assert answers == []


def test_a_peer_that_was_silent_is_not_confirmed(receiver: Receiver, answers: list[Any]) -> None:
    receiver.take(sealed(announcement(beat=7)))
    Peer.objects.update(silent_since=DatabaseNow())

    receiver.take(sealed(announcement(beat=8, hears_apart=True)))

    assert answers == []
    assert Peer.objects.get(pk=RENDER).confirmed == 0


def test_a_confirmation_extends_the_lease_from_before_the_beat_was_sent(
    receiver: Receiver, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.peers.sending.send", lambda *_, **__: True)
    announcing.announce(term)
    ((beat, at),) = Peer.objects.get(pk=RENDER).sent

    receiver.take(sealed(Confirmation(confirms=beat, lease=10.0)))
    receiver.take(sealed(Confirmation(confirms=beat, lease=4.0)))
    receiver.take(sealed(Confirmation(confirms=beat + 1, lease=50.0)))

    until = Peer.objects.get(pk=RENDER).lease_until
    assert until is not None
    assert until.timestamp() == pytest.approx(at + 10.0, abs=0.001)


def test_an_announcement_waits_behind_no_jobs_and_reports(
    config: PeersConfig, queues: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, go_on = threading.Event(), threading.Event()
    usual = Receiver.take

    def take(self: Receiver, data: bytes) -> None:
        if b"withdrawal" in data:
            stuck.set()
            assert go_on.wait(60)
        usual(self, data)

    monkeypatch.setattr(Receiver, "take", take)
    clusters.send(SITE, LinkBroker(), [sealed(CONTENTS["withdrawal"])] * WAITING)
    started = links.start()
    try:
        assert stuck.wait(60)
        clusters.send(SITE, LinkBroker(), [sealed(announcement(beat=7))], apart=True)
        eventually(lambda: Peer.objects.filter(beat=7).exists(), what="it is heard")
        assert not go_on.is_set()
    finally:
        go_on.set()
        for one in started:
            one.stop()
        for one in started:
            one.join(60)


def test_announcements_go_where_the_peer_says_that_it_hears_them(
    receiver: Receiver, term: Term, queues: None
) -> None:
    announcing.announce(term)
    assert clusters.waiting(RENDER, LinkBroker()) == 1
    receiver.take(sealed(announcement(beat=7, hears_apart=True)))

    announcing.announce(term)

    assert clusters.waiting(RENDER, LinkBroker()) == 1
    assert clusters.waiting(RENDER, LinkBroker(), apart=True) == 1


@pytest.mark.parametrize(("heartbeat", "timeout"), [(3.0, 12.0), (1.0, 3.0), (1.0, 60.0)])
def test_a_lease_outlasts_an_announcement_that_is_lost(heartbeat: float, timeout: float) -> None:
    given = {**django_settings.OFFLOAD, "HEARTBEAT": heartbeat, "TIMEOUT": timeout}
    with override_settings(OFFLOAD=given):
        assert peers()
        assert announcing.pace() <= settings().heartbeat
        # Two paces, the way there and back again, and the lease still holds.
        assert 2 * announcing.pace() < lease_time()
        assert announcing.duty().every == announcing.pace()


def test_a_duty_keeps_its_pace_while_a_sweep_hangs(term: Term) -> None:
    hangs, go_on, done = threading.Event(), threading.Event(), threading.Semaphore(0)

    def beats() -> dict[str, tuple[str, int]]:
        if done.acquire(timeout=60):
            hangs.set()
            assert go_on.wait(60)
        return {}

    def announce(_: Term) -> int:
        done.release()
        return 1

    duty = Duty(name="announce", do=announce, every=0.01, needs_term=True, is_paced=True)
    heartbeat = Heartbeat("a@host", term.incarnation, None, {"restarted": True})  # type: ignore[arg-type]
    leader = Leader("a@host", heartbeat, duties=[duty], acquire=lambda *_: term, beats=beats)
    leader.start()
    try:
        assert hangs.wait(60)
        for _ in range(5):
            assert done.acquire(timeout=60)
    finally:
        go_on.set()
        leader.halt()
        leader.join(60)
    assert not leader.is_alive()
