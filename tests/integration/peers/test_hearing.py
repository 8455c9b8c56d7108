"""Announcements: what is kept of them, how long they let jobs begin, and who is silent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from offload.conf import lease_time, settings
from offload.core.peers.contents import PeerAnnouncement
from offload.models import Peer, SeenMessage
from offload.models.fields import DatabaseNow
from offload.models.versions import current_version
from offload.peers import announcing, outboxes, silence
from offload.peers.receiving import Receiver
from offload.peers.silence import SilenceObserver
from tests.clocks import Clock
from tests.integration.peers.messages import RENDER, SITE, announcement, instance, sealed
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.peers.configuration import PeersConfig
    from offload.core.peers.contents import Content
    from offload.fleet.leadership import Term


@pytest.fixture
def receiver(config: PeersConfig) -> Receiver:
    return Receiver(config=config)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, PeerAnnouncement]:
    """Return the last announcement to each peer."""
    found: dict[str, PeerAnnouncement] = {}

    def keep(peer: str, contents: Sequence[Content], *, expires: float | None, apart: bool) -> bool:
        assert expires == settings().timeout
        assert apart is Peer.objects.filter(pk=peer, hears_apart=True).exists()
        (found[peer],) = [one for one in contents if isinstance(one, PeerAnnouncement)]
        return True

    monkeypatch.setattr("offload.peers.sending.send", keep)
    # Tests of links leave messages in the broker of this process.
    monkeypatch.setattr("offload.messaging.clusters.waiting", lambda *_, **__: 0)
    return found


def render() -> Peer:
    found: Peer = Peer.objects.get(pk=RENDER)
    return found


def test_an_announcement_is_kept(receiver: Receiver) -> None:
    receiver.take(sealed(announcement(beat=7, term=3, left_out=2), ahead=1.5))

    row = render()
    assert (row.term, row.beat, row.own_name, row.left_out) == (3, 7, SITE, 2)
    assert (row.key_id, row.protocol) == ("2026", 1)
    assert row.instances == [instance()]
    assert row.clock_ahead == pytest.approx(1.5, abs=1.0)
    assert row.heard_at is not None
    assert row.silent_since is None


def test_how_far_files_are_is_kept_and_raises_no_version(receiver: Receiver) -> None:
    told = {"job": "one", "epoch": 1, "direction": "input"}
    told |= {"files": 2, "done": 1, "size": 10, "done_size": 7}
    receiver.take(sealed(announcement(beat=1)))
    before = current_version()

    receiver.take(sealed(announcement(beat=2, moving=(told,))))
    assert render().moving == [told]
    receiver.take(sealed(announcement(beat=3, moving=({**told, "done": 3},))))

    assert (render().beat, current_version()) == (2, before)


def test_an_earlier_announcement_changes_nothing(receiver: Receiver) -> None:
    receiver.take(sealed(announcement(beat=7)))
    before = Peer.objects.values().get()

    receiver.take(sealed(announcement(beat=6, instances=())))

    assert Peer.objects.values().get() == before


def test_only_facts_that_decisions_rest_on_raise_the_topologys_version(receiver: Receiver) -> None:
    first = current_version()
    receiver.take(sealed(announcement(beat=1)))
    second = current_version()
    receiver.take(sealed(announcement(beat=2, instances=(instance(room=0, load={"held": 4}),))))
    third = current_version()
    receiver.take(sealed(announcement(beat=3, instances=(instance(mode="draining"),))))

    assert first < second == third < current_version()
    assert render().beat == 3


def test_a_confirmed_beat_gives_a_lease_from_before_it_was_sent(
    receiver: Receiver, term: Term, sent: dict[str, PeerAnnouncement]
) -> None:
    announcing.announce(term)
    row = render()
    ((beat, at),) = row.sent
    assert sent[RENDER].beat == beat

    receiver.take(sealed(announcement(beat=1, confirms=beat, lease=10.0)))
    receiver.take(sealed(announcement(beat=2, confirms=beat, lease=4.0)))
    receiver.take(sealed(announcement(beat=3, confirms=beat + 1, lease=50.0)))

    until = render().lease_until
    assert until is not None
    assert until.timestamp() == pytest.approx(at + 10.0, abs=0.001)


def test_a_cluster_announces_what_it_is_and_confirms_what_it_heard(
    receiver: Receiver, term: Term, sent: dict[str, PeerAnnouncement]
) -> None:
    receiver.take(sealed(announcement(beat=7)))

    assert announcing.announce(term) == 2

    told = sent[RENDER]
    assert (told.term, told.confirms, told.lease) == (term.number, 7, lease_time())
    (said,) = told.instances
    assert said["name"] == HERE
    assert (said["mode"], said["labels"], said["room"], said["leader"]) == (
        "ready",
        ["gpu"],
        4,
        True,
    )
    assert sent["print"].confirms == 0
    announcing.announce(term)
    assert sent[RENDER].beat > told.beat


def test_an_announcement_names_as_many_instances_as_fit(
    term: Term, sent: dict[str, PeerAnnouncement], monkeypatch: pytest.MonkeyPatch
) -> None:
    join("other@gpu2")
    first, _ = announcing.announced()
    monkeypatch.setattr(announcing, "INSTANCES_BYTES_MAX", len(json.dumps(first)) + 10)

    announcing.announce(term)

    assert [one["name"] for one in sent[RENDER].instances] == [HERE]
    assert sent[RENDER].left_out == 1


class Withdrawals:
    """An outbox with, or without, a withdrawal."""

    there = True

    def has_withdrawals(self, peer: str) -> bool:
        return self.there


def test_a_peer_is_silent_after_the_timeout_and_present_once_it_knows_all(
    receiver: Receiver,
    term: Term,
    sent: dict[str, PeerAnnouncement],
    alarms: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, withdrawals = Clock(), Withdrawals()
    observer = SilenceObserver(clock)
    monkeypatch.setattr(silence, "OUTBOXES", (withdrawals,))
    receiver.take(sealed(announcement(beat=7)))
    announcing.announce(term)
    version = current_version()

    def wait(seconds: float) -> int:
        changed = 0
        for _ in range(int(seconds / settings().sweep)):
            clock.go_on(settings().sweep)
            changed += observer.sweep(term)
        return changed

    assert wait(settings().timeout) == 0
    assert wait(1) == 1
    assert current_version() > version
    assert alarms == [f"nothing was heard of the cluster render for {settings().timeout:g} s"]
    # It is heard, but has not acknowledged what was withdrawn meanwhile.
    receiver.take(sealed(announcement(beat=9)))
    assert wait(60) == 0
    announcing.announce(term)
    assert sent[RENDER].confirms == 7
    withdrawals.there = False
    # By now it is silent once more.
    assert wait(1) == 0
    receiver.take(sealed(announcement(beat=11)))
    assert wait(1) == 1
    assert render().silent_since is None
    announcing.announce(term)
    assert sent[RENDER].confirms == 11


def test_a_pause_of_the_observer_restarts_its_count(receiver: Receiver, term: Term) -> None:
    clock = Clock()
    observer = SilenceObserver(clock)
    receiver.take(sealed(announcement()))
    observer.sweep(term)
    clock.go_on(settings().timeout * 2)

    assert observer.sweep(term) == 0


def test_a_peer_that_was_never_heard_is_not_declared_silent(
    term: Term, sent: dict[str, PeerAnnouncement]
) -> None:
    clock = Clock()
    observer = SilenceObserver(clock)
    announcing.announce(term)
    for _ in range(60):
        clock.go_on(1.0)
        assert observer.sweep(term) == 0


def test_nonces_are_forgotten_once_their_messages_are_too_old(receiver: Receiver) -> None:
    receiver.take(sealed(announcement(beat=1)))
    receiver.take(sealed(announcement(beat=2)))
    old = SeenMessage.objects.earliest("id")
    SeenMessage.objects.filter(pk=old.pk).update(seen_at=DatabaseNow() - timedelta(seconds=430))

    assert outboxes.purge() == 1
    assert not SeenMessage.objects.filter(pk=old.pk).exists()
    assert SeenMessage.objects.count() == 1
