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


def test_the_refusal_says_by_type_what_each_cluster_lacks(link: Link) -> None:
    @workflow("dam/other")
    def other() -> Any:
        return chain(step("dam/first"), step("video/cut"))

    with link.home.here(), pytest.raises(NoPeerForRun, match="render cannot do video/cut") as met:
        start("dam/other", placement="peer")
    assert [one.obstacle for one in met.value.reasons] == [Obstacle.NO_CONSUMER]
