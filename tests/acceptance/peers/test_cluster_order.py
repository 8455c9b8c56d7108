"""A queue says whether its jobs go to the own or to another cluster first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.models import Job
from offload.queues import policies
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.peers.clusters import Pair

#: Seconds for jobs to travel and to come back, on a busy machine.
LIMIT = 120.0


@contextmanager
def ordered(clusters: Pair, order: str) -> Iterator[None]:
    """Let the site's jobs be in a queue of this order of clusters for a block."""
    with clusters.site.visited():
        made = policies.add("ordered", ["acc/**"], cluster_order=order)
        try:
            yield
        finally:
            policies.remove([made])


def places(count: int, **facts: Any) -> set[str]:
    """Return where so many jobs that are submitted together ran."""
    jobs = offload.submit_many("acc/sleep", [facts] * count)
    for job in jobs:
        job.result(timeout=LIMIT)
    rows = Job.objects.filter(pk__in=[job.id for job in jobs])
    return set(rows.values_list("instance", flat=True))


@pytest.mark.parametrize("order", ["local_first", "balanced", "remote_first"])
def test_jobs_go_where_the_queue_says(clusters: Pair, order: str) -> None:
    site, render = clusters.site, clusters.render
    here = site.place.nodename("a")
    there = f"{render.name}/{render.place.nodename('a')}"
    expected = {"local_first": {here}, "balanced": {here, there}, "remote_first": {there}}[order]

    with ordered(clusters, order):
        # On a busy machine a cluster may be silent for a moment, and get nothing.
        eventually(
            lambda: places(2, seconds=0.2) == expected,
            within=LIMIT,
            what=f"jobs run at {' and '.join(sorted(expected))}",
        )
