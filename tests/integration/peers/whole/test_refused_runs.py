"""What cannot be done with a run that goes whole, and runs that cannot go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain

from offload.core.exceptions import NoPeerForRun, RunRefused
from offload.core.placement.reasons import Obstacle
from offload.jobs import aftermath, stopping
from offload.models import Run
from offload.operations import runs as controls
from offload.queues import policies
from offload.reading.runs import run_page
from offload.workflows import start, step, workflow
from tests.integration.peers.whole.acting import NAME, begun, open_steps, there
from tests.integration.world import HERE

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


def test_what_is_one_job_elsewhere_is_neither_paused_nor_skipped_nor_placed(link: Link) -> None:
    run_id = begun(link)

    with link.home.here():
        with pytest.raises(RunRefused, match="cannot be paused here"):
            controls.pause(run_id)
        with pytest.raises(RunRefused, match="cannot be changed by one step here"):
            controls.skip(run_id, "a")
        with pytest.raises(RunRefused, match="cannot be placed at an instance here"):
            controls.place(run_id, f"render/{HERE}")
    with link.peer.here():
        stopping.stop_jobs(open_steps(link))
        aftermath.sweep()
        with pytest.raises(RunRefused, match="belongs to site"):
            controls.restart(there(link).pk)


@pytest.mark.parametrize(
    ("name", "peer", "told"),
    [
        (NAME, "nobody", "PEERS does not name 'nobody'"),
        ("dam/asks", "render", "waits for an approval"),
    ],
)
def test_a_run_that_cannot_go_whole_is_refused_with_nothing_stored(
    link: Link, name: str, peer: str, told: str
) -> None:
    with link.home.here():
        with pytest.raises(NoPeerForRun, match=told):
            start(name, peer=peer)
        assert not Run.objects.exists()


def test_a_cluster_without_what_a_queue_here_requires_is_refused_with_what_it_lacks(
    link: Link,
) -> None:
    with link.home.here():
        policies.add("seconds", ["dam/second"], requires={"gpu": True})
        with pytest.raises(NoPeerForRun, match=r"render cannot do dam/second: .* not qual") as met:
            start(NAME, placement="peer")
        assert not Run.objects.exists()
    assert [one.obstacle for one in met.value.reasons] == [Obstacle.UNMET]


def test_a_run_on_its_way_says_what_its_cluster_lacks_by_now(link: Link) -> None:
    with link.home.here():
        run = start(NAME, placement="peer")
        policies.add("seconds", ["dam/second"], requires={"gpu": True})

        placed = run_page.page(run.row).placed

        assert "No other cluster can do every step. render cannot do dam/second" in placed
        assert "gpu" in placed


def test_the_refusal_says_by_type_what_each_cluster_lacks(link: Link) -> None:
    @workflow("dam/other")
    def other() -> Any:
        return chain(step("dam/first"), step("video/cut"))

    with link.home.here(), pytest.raises(NoPeerForRun, match="render cannot do video/cut") as met:
        start("dam/other", placement="peer")
    assert [one.obstacle for one in met.value.reasons] == [Obstacle.NO_CONSUMER]
