"""What the doctor says of other clusters and of instances together."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from offload.diagnostics import Level, fleet
from offload.fleet import leadership, snapshots
from offload.peers.receiving import Receiver
from tests.integration.diagnostics.findings import the
from tests.integration.peers.messages import announcement, sealed
from tests.integration.peers.showing import silence
from tests.integration.world import HERE, join, waiting

if TYPE_CHECKING:
    from offload.core.peers.configuration import PeersConfig
    from offload.fleet.leadership import Term


@pytest.fixture
def receiver(config: PeersConfig) -> Receiver:
    return Receiver(config=config)


def test_a_site_that_only_sends_jobs_away_lacks_no_consumer(receiver: Receiver) -> None:
    leadership.acquire(HERE, join(consumers=[]))
    assert "No instance has a consumer" in the(Level.WARN, fleet.examine()).fact

    receiver.take(sealed(announcement()))
    snapshots.forget()

    told = [one for one in fleet.examine() if one.subject == "consumers"]
    assert [(one.level, one.fact) for one in told] == [
        (Level.OK, "No instance here has a consumer. Other clusters have: render.")
    ]


def test_jobs_that_wait_for_a_silent_cluster_have_the_step_that_helps(
    receiver: Receiver, term: Term
) -> None:
    receiver.take(sealed(announcement()))
    waiting(2, topic="render/still")
    silence()
    snapshots.forget()
    call_command("offload", "explain", "render/still", stdout=(out := StringIO()))

    (found,) = [one for one in fleet.examine() if one.subject == "jobs"]

    assert "render is silent" in found.fact
    assert "manage.py offload peers" in found.next_step
    assert "manage.py offload peers" in out.getvalue()
