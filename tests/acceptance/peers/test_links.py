"""Two clusters with nothing in common but a broker hear each other, and refuse what is forged."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from offload import topology
from offload.core.peers.encoding import KINDS
from offload.core.peers.link_broker import LinkBroker
from offload.core.peers.messages import PeerLimits, PeerMessage, new_nonce, write
from offload.core.peers.refusal import RefusalKind
from offload.core.peers.signing import PeerKey, signed
from offload.core.placement.topology import Mode
from offload.messaging import clusters as queues
from offload.models import Instance, Job, Peer, PeerRefusal, SeenMessage
from tests.acceptance.peers.clusters import KEY_ID
from tests.integration.peers.messages import CONTENTS
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.peers.clusters import Cluster, Pair

OLD = timedelta(seconds=PeerLimits().memory_seconds + 1)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker take its time: the machine may be busy."""
    monkeypatch.setattr(queues, "PUBLISH_TIMEOUT_SECONDS", 30.0)


def heard(cluster: Cluster) -> Peer | None:
    """Return what a cluster hears of the other one, once that has confirmed a beat and is led."""
    with cluster.visited():
        known = Peer.objects.filter(heard_at__isnull=False, lease_until__isnull=False)
        # On a busy machine a silence may come between, and the leader be lost for a while.
        peer = known.filter(silent_since=None).first()
    return peer if peer and any(said["leader"] for said in peer.instances) else None


def test_two_clusters_hear_each_other_and_let_jobs_begin(clusters: Pair) -> None:
    for one, other in ((clusters.site, clusters.render), (clusters.render, clusters.site)):
        peer = eventually(partial(heard, one), what=f"{one.name} hears {other.name}")
        assert (peer.name, peer.own_name, peer.key_id) == (other.name, one.name, KEY_ID)
        assert [said["name"] for said in peer.instances] == [other.place.nodename("a")]
        assert peer.instances[0]["leader"]


def names_in(cluster: Cluster) -> set[str]:
    """Return the instances in a cluster's topology."""
    with cluster.visited():
        return {one.name for one in topology.view().instances}


def test_each_appears_in_the_other_ones_topology_and_leaves_it(clusters: Pair) -> None:
    site, render = clusters.site, clusters.render
    there = f"{render.name}/{render.place.nodename('a')}"
    own = site.place.nodename("a")
    eventually(lambda: names_in(site) == {own, there}, what="render is in the topology")
    eventually(
        lambda: f"{site.name}/{own}" in names_in(render), what="site is in the other topology"
    )

    with render.visited():
        render.fleet["a"].end()
        render.fleet.drop("a")
    eventually(lambda: names_in(site) == {own}, what="render is silent")
    with site.visited():
        assert Peer.objects.get().silent_since is not None
        assert [one.is_silent for one in topology.view().clusters] == [False, True]
        beat = Peer.objects.get().confirmed

    with render.visited():
        render.fleet.need("a")
    eventually(lambda: names_in(site) == {own, there}, what="render is back")
    with site.visited():
        eventually(lambda: Peer.objects.get().confirmed > beat, what="it is confirmed again")


def test_a_broker_that_is_away_stops_no_heartbeat_and_the_link_comes_back(clusters: Pair) -> None:
    site = clusters.site
    server = clusters.broker.own
    assert server is not None
    eventually(lambda: heard(site))
    server.stop()
    with site.visited():
        before = Instance.objects.get().beat
        eventually(lambda: Instance.objects.get().beat > before + 3, what="it beats")
        eventually(lambda: Peer.objects.get().silent_since is not None, what="nothing is heard")
        assert Instance.objects.get().mode != Mode.GONE
    server.start()
    eventually(lambda: len(names_in(site)) == 2, within=60, what="render is heard again")


class Forger:
    """Signs as *render*, or as somebody who would like to be."""

    def __init__(self, pair: Pair, content: str) -> None:
        self.sender, self.receiver = pair.render.name, pair.site.name
        self.content = CONTENTS[content]
        self.key = PeerKey(id=KEY_ID, peer=self.sender, secret=pair.secret.encode())

    def sealed(self, *, age: timedelta = timedelta(), key: PeerKey | None = None) -> bytes:
        message = PeerMessage(
            sender=self.sender,
            receiver=self.receiver,
            sent_at=datetime.now(UTC) - age,
            nonce=new_nonce(),
            content=self.content,
        )
        return write(message, key or self.key, PeerLimits())

    @property
    def body(self) -> bytes:
        return self.sealed().partition(b"\n")[2]

    def forged(self) -> dict[RefusalKind, list[bytes]]:
        """Return messages by the reason for which each is refused."""
        malformed = json.dumps({**json.loads(self.body), "content": {"beat": "x"}}).encode()
        return {
            RefusalKind.UNSIGNED: [
                self.body,
                self.sealed(key=replace(self.key, secret=b"w" * 32)),
            ],
            RefusalKind.FOREIGN: [self.sealed(key=replace(self.key, id="unknown"))],
            RefusalKind.OLD: [self.sealed(age=OLD), self.sealed(age=-OLD)],
            RefusalKind.OVERSIZED: [self.sealed() + b" " * (1 << 20)],
            RefusalKind.MALFORMED: [signed(malformed, self.key)],
            RefusalKind.OTHER_VERSION: [self.sealed().replace(b"-peer 1 ", b"-peer 2 ")],
        }


def counts() -> dict[str, int]:
    """Return how often messages were refused, by the reason."""
    found: dict[str, int] = {}
    for one in PeerRefusal.objects.all():
        found[one.kind] = found.get(one.kind, 0) + one.count
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_forged_messages_are_refused_and_counted_and_nothing_is_stored(
    kind: str, clusters: Pair
) -> None:
    forger = Forger(clusters, kind)
    forged = forger.forged()
    with clusters.site.visited():
        before = counts()
        bodies = [body for each in forged.values() for body in each]
        queues.send(clusters.site.name, LinkBroker(), bodies)

        def are_counted() -> bool:
            now = counts()
            return all(
                now.get(reason, 0) - before.get(reason, 0) == len(each)
                for reason, each in forged.items()
            )

        eventually(are_counted, what=f"{kind} refused: {counts()} after {before}")
        assert not Job.objects.exists()
        nonces = re.findall(rb'"nonce": ?"([0-9a-f]+)"', b"".join(bodies))
        assert len(nonces) == len(bodies)
        seen = SeenMessage.objects.filter(nonce__in=[one.decode() for one in nonces])
        assert not seen.exists()


def test_a_copy_of_a_real_message_is_refused(clusters: Pair) -> None:
    forger = Forger(clusters, "announcement")
    data = forger.sealed()
    with clusters.site.visited():
        queues.send(clusters.site.name, LinkBroker(), [data, data])
        eventually(lambda: counts().get(RefusalKind.REPLAYED), what="the copy is refused")
        assert counts()[RefusalKind.REPLAYED] == 1
