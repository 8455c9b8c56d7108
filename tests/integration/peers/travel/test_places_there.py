"""The instances of a peer that an envelope names, and those that it requires after a kill there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.core.matching.escalation import Escalation, Shortage
from offload.core.matching.requirements import Requirements
from offload.core.peers.contents import PeerEnvelope
from offload.core.placement.affinity import Avoidance
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.jobs import losses
from offload.models import Instance, Peer
from offload.models.versions import raise_version
from offload.peers.announcing import announced
from offload.queues import own_retries
from tests.integration.peers.travel.acting import begin, bind, row_at
from tests.integration.world import HERE, THERE, join

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

SMALL = Requirements.of({"ram_gb": {">=": 8}})


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


@pytest.mark.parametrize(
    ("cause", "required"),
    [(Shortage.OUT_OF_MEMORY, 16), (Cause.CRASHED, 8), (Cause.TIMED_OUT, 16)],
)
def test_a_run_that_was_killed_there_is_followed_by_one_that_requires_more(
    link: Link, cause: str, required: int
) -> None:
    with link.peer.here():
        Instance.objects.filter(pk=HERE).update(facts={"ram_gb": 64})
        instances = announced()
    with link.home.here():
        Peer.objects.filter(pk="render").update(instances=instances)
        raise_version()
    options: dict[str, Any] = own_retries.frozen(5, 0.1, Escalation.of({"ram_gb": 2}))
    ending = begin(link, requires=SMALL, options=options)

    with link.peer.here():
        losses.ended((ending.key.job_id, ending.key.epoch), cause=cause, detail="it ended")
    link.exchange()

    row = row_at(link.home)
    assert row.state == "PENDING"
    assert Lane.parse(row.lane).requires.given == {"ram_gb": {">=": required}}
    with link.home.here():
        assert [one.shortage for one in own_retries.escalated_in(row.options)] == (
            [Shortage.TIMED_OUT if cause == Cause.TIMED_OUT else Shortage.OUT_OF_MEMORY]
            if required > 8
            else []
        )
