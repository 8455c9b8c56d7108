"""What breaks between two clusters lets nothing run twice while neither gives the other up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.retries import Cause
from offload.models import Peer
from tests.acceptance.messaging.test_losses import lose_everything
from tests.acceptance.peers.sites import Sites, scales, sites
from tests.acceptance.watching import pass_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django.plugin import DjangoDbBlocker

#: A worker may take minutes to start on a busy machine.
pytestmark = pytest.mark.timeout(1200)
#: No outage in these tests is as long: nobody falls silent, so nothing may begin twice.
PATIENT = {"HEARTBEAT": 0.5, "TIMEOUT": 120}


@pytest.fixture(scope="module", params=scales("sqlite"))
def patient(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Sites]:
    """Return two clusters that wait for each other longer than any outage here lasts."""
    folder = tmp_path_factory.mktemp("pair")
    with django_db_blocker.unblock(), sites(folder, PATIENT, request.param, "a") as found:
        yield found


def lose_agent(clusters: Sites) -> None:
    """Kill the only agent of the peer, whose worker starts another one."""
    clusters.pair.render.fleet["a"].agent.kill()


def lose_broker(clusters: Sites) -> None:
    """Restart the broker without its data."""
    assert clusters.pair.broker.own is not None
    lose_everything(clusters.pair.broker.own)


def cut_link(clusters: Sites) -> None:
    """Cut home off from the peer for a while."""
    cable = clusters.pair.cables[0]
    cable.cut()
    pass_time(clusters.scale.outage)
    cable.mend()


def hold_link(clusters: Sites) -> None:
    """Keep what the peer sends and gets for a while."""
    cable = clusters.pair.cables[1]
    cable.hold()
    pass_time(clusters.scale.outage)
    cable.mend()


@pytest.mark.parametrize("disturb", [lose_agent, lose_broker, cut_link, hold_link])
def test_without_silence_nothing_begins_twice(
    patient: Sites, disturb: Callable[[Sites], None]
) -> None:
    jobs = patient.crowd()

    disturb(patient)

    jobs.check_once()
    with patient.pair.site.visited():
        assert Peer.objects.get().silent_since is None


def test_a_killed_worker_costs_what_ran_there_an_attempt(patient: Sites) -> None:
    render = patient.pair.render
    jobs = patient.crowd()

    render.fleet["a"].kill()
    with render.visited():
        render.fleet.need("a")

    jobs.check_once([Cause.LOST])
