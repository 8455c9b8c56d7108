"""The instances of a peer that an envelope names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.core.matching.requirements import Requirements
from offload.core.peers.contents import PeerEnvelope
from offload.core.placement.affinity import Avoidance
from offload.models import Peer
from offload.models.versions import raise_version
from offload.peers.announcing import announced
from tests.integration.peers.travel.acting import bind
from tests.integration.world import HERE, THERE, join

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


@pytest.mark.parametrize(("asked", "others"), [({}, 1), ({"labels": ["licensed"]}, 0)])
def test_no_other_instance_there_takes_a_job_that_requires_what_it_lacks(
    link: Link, asked: dict[str, Any], others: int
) -> None:
    with link.peer.here():
        join(THERE, labels=["licensed"])
        instances = announced()
    with link.home.here():
        Peer.objects.filter(pk="render").update(instances=instances)
        raise_version()

    job_id = bind(link, requires=Requirements.of(asked))

    [envelope] = [one for one in link.send(link.home) if isinstance(one, PeerEnvelope)]
    assert envelope.job_id == job_id
    assert len(envelope.others) == others
    assert asked == {} or envelope.instance == THERE


def test_a_job_that_was_lost_at_one_of_them_does_not_come_back_there(link: Link) -> None:
    with link.peer.here():
        join(THERE)
        instances = announced()
    with link.home.here():
        Peer.objects.filter(pk="render").update(instances=instances)
        raise_version()

    bind(link, affinity=Avoidance(names=(f"render/{HERE}",)))

    [envelope] = [one for one in link.send(link.home) if isinstance(one, PeerEnvelope)]
    assert (envelope.instance, envelope.others) == (THERE, ())
