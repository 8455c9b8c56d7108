"""A cluster that dies in part, is cut off or is paused: no job is lost, and none ends twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from offload.core.peers.refusal import RefusalKind
from offload.models import Peer, PeerRefusal
from tests.acceptance.peers.crowds import LIMIT, crowd
from tests.acceptance.peers.sites import Sites, allowed, scales, sites
from tests.acceptance.worker.sleepers import follower, leader
from tests.databases import is_listening
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from tests.acceptance.fleet import Fleet, Worker
    from tests.acceptance.peers.clusters import Cluster

#: A worker may take minutes to start on a busy machine.
pytestmark = pytest.mark.timeout(1200)
#: An outage is soon as long: what is silent is given up.
HASTY = {"HEARTBEAT": 0.5, "TIMEOUT": 4}
#: The short form has the second database only where a server listens.
SECOND = "postgresql" if is_listening() else "sqlite"


@pytest.fixture(scope="module", params=scales(SECOND))
def hasty(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Sites]:
    """Return two clusters that give each other up after four seconds."""
    folder = tmp_path_factory.mktemp("pair")
    with django_db_blocker.unblock(), sites(folder, HASTY, request.param, "ab") as found:
        yield found


def is_silent(cluster: Cluster) -> None:
    """Wait until a cluster hears nothing of the other one."""
    with cluster.visited():
        what = f"{cluster.name} hears nothing"
        eventually(lambda: Peer.objects.get().silent_since, within=LIMIT, what=what)


def stale(cluster: Cluster) -> int:
    """Return how many reports of runs that were taken back a cluster has refused."""
    with cluster.visited():
        return sum(one.count for one in PeerRefusal.objects.filter(kind=RefusalKind.STALE))


def ready(cluster: Cluster) -> None:
    """Let all workers of a cluster be there again."""
    with cluster.visited():
        cluster.fleet.need("a", "b")


def die(cluster: Cluster, choose: Callable[[Fleet], Worker]) -> None:
    """Kill a worker of a cluster together with its agent."""
    with cluster.visited():
        choose(cluster.fleet).send_all(signal.SIGKILL)


@pytest.mark.parametrize("choose", [leader, pytest.param(follower, marks=pytest.mark.long)])
def test_the_host_of_a_run_dies(hasty: Sites, choose: Callable[[Fleet], Worker]) -> None:
    ready(hasty.pair.render)
    jobs = hasty.crowd()

    die(hasty.pair.render, choose)

    jobs.check()


def test_the_leader_of_home_dies(hasty: Sites) -> None:
    ready(hasty.pair.site)
    jobs = hasty.crowd()

    die(hasty.pair.site, leader)

    jobs.check()


def test_the_link_is_cut_for_longer_than_the_timeout(hasty: Sites) -> None:
    ready(hasty.pair.render)
    jobs = hasty.crowd()

    hasty.pair.cables[0].cut()
    is_silent(hasty.pair.site)
    hasty.pair.cables[0].mend()

    jobs.check()


def test_late_results_of_a_peer_that_was_paused_are_refused_and_counted(
    hasty: Sites, tmp_path: Path
) -> None:
    site, render = hasty.pair.site, hasty.pair.render
    ready(site)
    ready(render)
    gate = tmp_path / "open"
    jobs = crowd(hasty.pair, "acc/gate", 4, gate=str(gate))
    jobs.known_to_run()
    before = stale(site)

    signal_all(render, signal.SIGSTOP)
    is_silent(site)
    gate.touch()
    with allowed(site):
        jobs.all_ended()
    signal_all(render, signal.SIGCONT)

    rows = jobs.check()
    # A machine that is busy enough lets them fall silent for a moment before, too.
    assert {row.peer for row in rows} == {None}
    assert min(row.attempts for row in rows) >= 2
    assert stale(site) > before


def signal_all(cluster: Cluster, number: signal.Signals) -> None:
    """Send a signal to every process of a cluster."""
    for one in cluster.fleet.workers.values():
        one.send_all(number)
