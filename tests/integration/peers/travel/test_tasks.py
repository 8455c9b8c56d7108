"""A home names a job's topic; which task runs it, the peer's own instances say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.envelopes import ERRBACK_TASK, MAP_TASK
from offload.core.peers.contents import CloneRefusal, PeerEnvelope
from offload.core.placement.reasons import Obstacle
from offload.dispatch import dispatching
from offload.models import Exclusion, Job, News
from offload.reading.waiting.explain import explain_job
from tests.integration.peers.travel.acting import bind, row_at
from tests.integration.world import HERE, TASK, waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

#: Arguments of a map over a task that the peer has, but does not announce for the topic.
SMUGGLED: dict[str, Any] = {"task": {"task": "site.drop_everything"}, "it": [1], "star": False}


@pytest.mark.parametrize("named", ["", TASK])
def test_a_clone_has_the_task_that_the_instance_announces(link: Link, named: str) -> None:
    bind(link, task=named)

    link.exchange()

    assert row_at(link.peer).task == TASK


@pytest.mark.parametrize("named", ["site.drop_everything", MAP_TASK, ERRBACK_TASK, "celery.map"])
def test_a_home_cannot_choose_another_task(link: Link, named: str) -> None:
    bind(link)
    [envelope] = link.send(link.home)
    assert isinstance(envelope, PeerEnvelope)
    link.sent["render"].clear()

    link.deliver(link.peer, replace(envelope, task=named, properties=SMUGGLED))

    with link.peer.here():
        assert not Job.objects.exists()
        assert News.objects.get().reason == CloneRefusal.OTHER_TASK
    link.send(link.peer)
    link.carry(link.home)
    with link.home.here():
        assert Job.objects.get().state == "PENDING"
        assert "none that the peer's instance announces" in Exclusion.objects.get().reason


@pytest.mark.parametrize("task", [MAP_TASK, ERRBACK_TASK])
def test_a_job_that_runs_another_task_stays_at_home(link: Link, task: str) -> None:
    with link.home.here():
        waiting(task=task, properties=SMUGGLED)

        assert dispatching.sweep() == 0

        verdicts = explain_job(Job.objects.get()).verdicts
        [verdict] = [one for one in verdicts if one.instance == f"render/{HERE}"]
        assert verdict.reason is not None
        assert verdict.reason.obstacle is Obstacle.RUNS_ANOTHER
