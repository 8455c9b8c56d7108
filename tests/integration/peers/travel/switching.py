"""Switches that people set at either end, and what each tells the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.peers.peer_switches import PeerSwitch
from offload.fleet import leadership
from offload.messaging import clusters
from offload.models import Instance, Peer
from offload.models.change_records import Entrance
from offload.models.versions import raise_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.peer_switches import SetPeerSwitch
from offload.peers import announcing, sending
from offload.reading.waiting.explain import explain
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from offload.core.peers.contents import PeerAnnouncement
    from offload.core.placement.reasons import Obstacle
    from offload.fleet.leadership import Term
    from offload.operations.changes.change_outcomes import Outcome
    from tests.integration.peers.travel.clusters import Cluster, Link

THERE = f"render/{HERE}"
SEND, ACCEPT, MOVE = PeerSwitch
ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)


def off(cluster: Cluster, switch: PeerSwitch, peer: str | None = None, note: str = "") -> Outcome:
    """Switch something off in a cluster, for its one peer unless another is named."""
    with cluster.here():
        name = cluster.other if peer is None else peer
        return SetPeerSwitch(switch=switch, peer=name, on=False, note=note or None).apply(ANNA)


def on(cluster: Cluster, switch: PeerSwitch) -> None:
    with cluster.here():
        SetPeerSwitch(switch=switch, peer=cluster.other, on=True).apply(ANNA)


def term() -> Term:
    """Return the term of a leader here."""
    incarnation = Instance.objects.values_list("incarnation", flat=True).first() or join(HERE)
    found = leadership.acquire(HERE, incarnation)
    assert found is not None
    return found


def tell(link: Link) -> None:
    """Let the peer announce itself to home."""
    said: list[PeerAnnouncement] = []

    def send(_: str, contents: list[PeerAnnouncement], **how: object) -> bool:
        said.extend(contents)
        return True

    with link.peer.here(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sending, "send", send)
        patched.setattr(clusters, "waiting", lambda *_: 0)
        announcing.announce(term())
    [content] = said
    with link.home.here():
        row = Peer.objects.get()
        Peer.objects.update(
            is_accepting=content.is_accepting, instances=[dict(one) for one in content.instances]
        )
        if row.is_accepting != content.is_accepting:
            raise_version()


def reason(topic: str = "dam/web") -> tuple[Obstacle | None, str]:
    """Return the obstacle between a topic and the peer's instance, and its sentence."""
    [verdict] = [one for one in explain(topic).verdicts if one.instance == THERE]
    found = verdict.reason
    return (found.obstacle, found.detail) if found else (None, "")
