"""Two sites that are disturbed, in a short form and in long ones."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from offload.rules import editing
from tests.acceptance.peers.clusters import pair
from tests.acceptance.peers.crowds import Crowd, crowd, watch
from tests.databases import ABSENT, is_listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.acceptance.peers.clusters import Cluster, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is disturbed, and for how long."""

    #: What the second cluster has, beside a file at home.
    database: str
    #: Jobs, and how many of them may be out at once for each process there.
    jobs: int
    window: int
    #: Seconds of a run, and of an outage.
    run: float
    outage: float


SHORT = Scale(database="sqlite", jobs=20, window=10, run=0.1, outage=2.0)
LONG = Scale(database="sqlite", jobs=200, window=100, run=0.2, outage=30.0)


def scales(database: str) -> list[Any]:
    """Return the short form on a database, and the long ones, which take many minutes."""
    long = [replace(LONG, database=one) for one in ("sqlite", "postgresql")]
    return [
        pytest.param(replace(SHORT, database=database), id="short"),
        *(pytest.param(one, id=f"long-{one.database}", marks=pytest.mark.long) for one in long),
    ]


@dataclass(frozen=True, slots=True)
class Sites:
    """Two clusters, and how they are disturbed."""

    pair: Pair
    scale: Scale

    def crowd(self) -> Crowd:
        """Submit the jobs at home, and wait until the peer is in the middle of them."""
        jobs = crowd(self.pair, "acc/sleep", self.scale.jobs, seconds=self.scale.run)
        jobs.begun(5)
        return jobs


@contextmanager
def sites(
    folder: Path, settings: dict[str, float], scale: Scale, names: Sequence[str]
) -> Iterator[Sites]:
    """Make two clusters with workers of these names each, of which home's own run nothing."""
    if scale.database == "postgresql" and not is_listening():
        pytest.skip(ABSENT)
    given = {**settings, "WINDOW_FACTOR": scale.window}
    with pair(folder, database=scale.database, cables=True, settings=given) as found:
        watch(found.site)
        for one in (found.site, found.render):
            for name in names:
                one.fleet.start(name, wait=False)
        for one in (found.site, found.render):
            with one.visited():
                for worker in one.fleet.workers.values():
                    worker.await_ready()
        deny(found.site)
        yield Sites(found, scale)


def deny(cluster: Cluster) -> None:
    """Let no worker of a cluster run the jobs."""
    with cluster.visited():
        for one in cluster.fleet.workers.values():
            editing.deny(one.name, "acc/**")


@contextmanager
def allowed(cluster: Cluster) -> Iterator[None]:
    """Let a cluster's own workers run the jobs for a block."""
    with cluster.visited():
        for one in cluster.fleet.workers.values():
            editing.clear(one.name, "acc/**")
    try:
        yield
    finally:
        deny(cluster)
