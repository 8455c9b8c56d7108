"""Jobs of one cluster run in another one, and end at home, whatever dies there."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.placement.reasons import Obstacle
from offload.core.states import JobState
from offload.models import Job, News, WithdrawnBinding
from offload.reading.waiting.explain import explain_job
from offload.rules import editing
from tests.acceptance.site.tasks import add_job, swap
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.peers.clusters import Cluster, Pair

#: Seconds for a job to travel, and to come back, on a busy machine.
LIMIT = 90.0


@pytest.fixture
def apart(clusters: Pair) -> Iterator[Pair]:
    """Return the clusters, of which the site's own worker may run nothing."""
    own = clusters.site.place.nodename("a")
    with clusters.site.visited():
        editing.deny(own, "acc/**")
    yield clusters
    with clusters.site.visited():
        editing.clear(own, "acc/**")


def row(cluster: Cluster, job_id: str) -> Job | None:
    """Return a cluster's row of a job, if it has one."""
    with cluster.visited():
        return Job.objects.filter(pk=job_id).first()


def reaches(cluster: Cluster, job_id: str, *states: JobState) -> Job:
    """Wait until a cluster's row of a job is in one of these states; return it."""

    def is_there() -> Job | None:
        found = row(cluster, job_id)
        return found if found is not None and found.state in states else None

    what = f"{job_id} becomes {' or '.join(states)} in {cluster.name}"
    return eventually(is_there, within=LIMIT, what=what)


def are_settled(pair: Pair) -> bool:
    """Tell whether no cluster has anything to say to the other."""
    with pair.site.visited():
        at_home = WithdrawnBinding.objects.exists()
    with pair.render.visited():
        return not at_home and not News.objects.exists()


@contextmanager
def second_worker(cluster: Cluster) -> Iterator[None]:
    """Let a cluster have another worker for a block."""
    with cluster.visited():
        cluster.fleet.need("a", "b")
    try:
        yield
    finally:
        # The tests that follow are about one worker there, also after a failure.
        with cluster.visited():
            cluster.fleet.need("a")


def test_a_job_runs_at_the_peer_and_its_result_is_here(apart: Pair) -> None:
    site, render = apart.site, apart.render
    with site.visited():
        job = offload.submit("acc/any", {"width": 7})
        assert job.result(timeout=LIMIT) == {"width": 7}

    found = row(site, job.id)
    assert found is not None
    assert (found.state, found.peer, found.attempts) == ("SUCCEEDED", render.name, 1)
    assert found.instance == f"{render.name}/{render.place.nodename('a')}"
    clone = row(render, job.id)
    assert clone is not None
    assert (clone.home, clone.home_epoch, clone.state) == (site.name, 1, "SUCCEEDED")
    eventually(partial(are_settled, apart), within=LIMIT, what="nothing is left to say")


def test_what_a_run_there_logs_is_shown_here_while_it_runs(apart: Pair) -> None:
    with apart.site.visited():
        job = offload.submit("acc/patient", {"keeps": True})
        [line] = eventually(job.logs, within=LIMIT, what="the log of a run there")
        assert (line.text, job.state) == ("it waits to be asked", "ACTIVE")
        job.stop()
        assert job.result(timeout=LIMIT) == "half of it"


def test_a_failure_there_is_retried_from_here(apart: Pair) -> None:
    with apart.site.visited():
        job = offload.submit("acc/hopeless")
    found = reaches(apart.site, job.id, JobState.ERROR)
    assert found.error == "it will never work"
    assert found.error_type.endswith("PermanentError")
    assert "PermanentError" in found.traceback


def test_a_stop_reaches_a_run_there(apart: Pair) -> None:
    with apart.site.visited():
        job = offload.submit("acc/patient", {"keeps": False})
    active = reaches(apart.site, job.id, JobState.ACTIVE)
    assert active.peer == apart.render.name

    with apart.site.visited():
        offload.stop(job.id)

    reaches(apart.site, job.id, JobState.STOPPED)
    reaches(apart.render, job.id, JobState.STOPPED)


def test_a_killed_worker_there_costs_a_crash_and_the_job_runs_again(apart: Pair) -> None:
    site, render = apart.site, apart.render
    with second_worker(render):
        with site.visited():
            job = offload.submit("acc/sleep", {"seconds": 6})
        active = reaches(render, job.id, JobState.ACTIVE)
        name = active.instance.partition("@")[0]
        reaches(site, job.id, JobState.ACTIVE)

        worker = render.fleet[name]
        worker.kill()

        found = reaches(site, job.id, JobState.SUCCEEDED)
        assert (found.attempts, found.crashes) == (2, 1)
        # A binding to the dead worker, before home hears of its death, costs an epoch and no more.
        assert found.epoch >= 2
        assert found.peer == render.name


def test_a_cluster_that_dies_as_a_whole_gives_its_jobs_back(apart: Pair) -> None:
    site, render = apart.site, apart.render
    with site.visited():
        job = offload.submit("acc/sleep", {"seconds": 600})
    reaches(site, job.id, JobState.ACTIVE)

    with render.visited():
        render.fleet.drop("a")
    moved = reaches(site, job.id, JobState.PENDING)
    assert (moved.crashes, moved.failures) == (0, 0)
    with site.visited():
        offload.stop(job.id)
    reaches(site, job.id, JobState.STOPPED)

    with render.visited():
        render.fleet.need("a")
    with site.visited():
        again = offload.submit("acc/any", {"back": True})
        assert again.result(timeout=LIMIT) == {"back": True}


def test_a_map_runs_at_the_peer_as_one_job(apart: Pair) -> None:
    with apart.site.visited():
        found = add_job.starmap([(1, 2), (3, 4)]).apply_async()
        assert found.get(timeout=LIMIT) == [3, 7]
    done = row(apart.site, found.id)
    assert done is not None
    assert (done.state, done.peer, done.attempts) == ("SUCCEEDED", apart.render.name, 1)


def _says(job_id: str, obstacle: Obstacle) -> bool:
    """Tell whether this is why another cluster's instance is not to run the job."""
    reasons = [one.reason for one in explain_job(Job.objects.get(pk=job_id)).verdicts]
    return obstacle in {one.obstacle for one in reasons if one}


def test_a_job_that_replaces_itself_at_the_peer_is_run_at_home(apart: Pair) -> None:
    own = apart.site.place.nodename("a")
    with apart.site.visited():
        found = swap.delay(5)
        # Its own worker may run nothing yet.
        eventually(partial(_says, found.id, Obstacle.REPLACES), within=LIMIT, what="it came back")
        assert Job.objects.get(pk=found.id).attempts == 1
        editing.clear(own, "acc/**")
        assert found.get(timeout=LIMIT) == 16
        editing.deny(own, "acc/**")
