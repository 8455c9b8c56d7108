"""A home names a job's topic; which task runs it, the peer's own instances say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from celery import signature

from offload.core.envelopes import ERRBACK_TASK, MAP_TASK
from offload.core.peers.contents import CloneRefusal, PeerEnvelope
from offload.core.placement.reasons import Obstacle
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.jobs import endings
from offload.models import Attempt, Exclusion, Job, News
from offload.reading.waiting.explain import explain_job
from tests.integration.peers.travel.acting import begin, bind, row_at
from tests.integration.world import HERE, TASK, join, waiting

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


MAP: dict[str, Any] = {"task": {"task": TASK, "options": {"queue": "x"}}, "it": [1], "star": False}


def test_a_map_of_a_task_that_the_instance_announces_travels(link: Link) -> None:
    with link.home.here():
        waiting(task=MAP_TASK, properties=MAP)
        assert dispatching.sweep() == 1

    link.exchange()

    clone = row_at(link.peer)
    assert (clone.task, clone.home) == (MAP_TASK, "site")
    # Nothing else of the signature gets there.
    assert clone.properties == {**MAP, "task": {"task": TASK}}


@pytest.mark.parametrize(
    "changed",
    [
        {"task": {"task": "site.drop_everything"}},
        {"task": TASK},
        {"task": {"task": 7}},
        {"it": "abc"},
        {"more": 1},
    ],
)
def test_a_map_of_anything_else_is_refused(link: Link, changed: dict[str, Any]) -> None:
    with link.home.here():
        waiting(task=MAP_TASK, properties={**MAP, **changed})
        dispatching.sweep()
    link.send(link.home)
    link.carry(link.peer)

    with link.peer.here():
        assert not Job.objects.exists()
        assert News.objects.get().reason == CloneRefusal.OTHER_TASK


def test_an_error_callback_stays_at_home(link: Link) -> None:
    with link.home.here():
        waiting(task=ERRBACK_TASK, properties=SMUGGLED)

        assert dispatching.sweep() == 0

        verdicts = explain_job(Job.objects.get()).verdicts
        [verdict] = [one for one in verdicts if one.instance == f"render/{HERE}"]
        assert verdict.reason is not None
        assert verdict.reason.obstacle is Obstacle.RUNS_ANOTHER
        assert "is an error callback" in verdict.reason.detail


def test_a_job_whose_run_replaces_itself_goes_on_at_home(link: Link) -> None:
    ending = begin(link)

    with link.peer.here():
        assert endings.replace(ending, signature(TASK, kwargs={"n": 2})) is JobState.GIVEN_UP
        # The canvas is not begun there.
        assert Job.objects.count() == 1
        assert Attempt.objects.get().cause == "replaced"
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.failures, row.needs, row.lane) == (
        "PENDING",
        0,
        "home",
        f"default|home|{row.topic}",
    )
    with link.home.here():
        Job.objects.update(run_at=None)
        assert dispatching.sweep() == 0
        found = explain_job(Job.objects.get())
        [verdict] = [one for one in found.verdicts if one.instance == f"render/{HERE}"]
        assert verdict.reason is not None
        assert verdict.reason.obstacle is Obstacle.REPLACES
        assert "replaces itself" in found.sentence
        join("own@home")
        assert dispatching.sweep() == 1
        assert Job.objects.get().instance == "own@home"
