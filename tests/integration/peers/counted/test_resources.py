"""A job that goes to another cluster uses that cluster's resources, and none at home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.matching.amounts import Amounts
from offload.core.peers.contents import CloneRefusal, PeerEnvelope
from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching
from offload.models import Exclusion, Job, News, ResourceUser
from offload.queues import resources
from tests.integration.peers.travel.acting import row_at
from tests.integration.world import waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

MAYA = Amounts.of({"maya": 1})


def bind(link: Link) -> None:
    """Bind a job of home to the peer."""
    with link.home.here():
        resources.set_("maya", capacity=0)
        waiting(resources=MAYA)
        assert dispatching.sweep() == 1
        assert not ResourceUser.objects.exists()


def test_the_clone_uses_what_the_peer_has(link: Link) -> None:
    with link.peer.here():
        resources.set_("maya", capacity=1)

    bind(link)
    link.exchange()

    assert Lane.parse(row_at(link.peer).lane).resources == MAYA
    with link.peer.here():
        dispatching.sweep()
        assert resources.uses()["maya"].used == 1


def test_a_peer_that_has_not_defined_it_refuses_the_job(link: Link) -> None:
    bind(link)
    [envelope] = link.send(link.home)
    assert isinstance(envelope, PeerEnvelope)
    link.sent["render"].clear()

    link.deliver(link.peer, envelope)

    with link.peer.here():
        assert not Job.objects.exists()
        assert News.objects.get().reason == CloneRefusal.NO_RESOURCE
    link.send(link.peer)
    link.carry(link.home)
    with link.home.here():
        assert Job.objects.get().state == "PENDING"
        assert "has not defined a resource" in Exclusion.objects.get().reason
