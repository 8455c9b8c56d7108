"""Jobs of a queue go to the own or to other clusters first, as the queue says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from offload.core.envelopes import ERRBACK_TASK
from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching, offering
from offload.fleet.snapshots import snapshot
from offload.models import Exclusion, Instance, Job, Peer, Queue
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.queues import policies
from offload.reading.waiting.explain import explain
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance
from tests.integration.world import HERE, TOPIC, join, statements, states, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

FAR = f"{RENDER}/gpu1@host"
BOOT = "boot of gpu1"


@pytest.fixture(autouse=True)
def _peer(app: object) -> Iterator[None]:
    """Let an instance be here, and one in another cluster that may run the same topics."""
    known = {RENDER: {**SETTING[RENDER], "SEND": ["dam/**"]}}
    with override_settings(OFFLOAD={**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": known}):
        join(concurrency=2)
        Instance.objects.update(window=4)
        consumers = [{"pattern": "dam/**", "task": "dam.far"}]
        far = instance("gpu1@host", incarnation=BOOT, consumers=consumers, window=4)
        Peer.objects.create(
            name=RENDER, own_name=SITE, beat=1, heard_at=DatabaseNow(), instances=[far]
        )
        raise_version()
        yield


def queue(order: str, **facts: Any) -> Queue:
    """Make the queue of the jobs with this order of clusters."""
    made = policies.add("render", ["dam/**"], cluster_order=order, **facts)
    snapshot(fresh=True)
    return made


def held() -> tuple[int, int]:
    """Return how many jobs are bound here, and in the other cluster."""
    names = list(Job.objects.filter(state="QUEUED").values_list("instance", flat=True))
    assert set(names) <= {HERE, FAR}
    return names.count(HERE), names.count(FAR)


@pytest.mark.parametrize(
    ("order", "first", "then"),
    [
        ("local_first", (3, 0), (4, 2)),
        ("balanced", (2, 1), (3, 3)),
        ("remote_first", (0, 3), (2, 4)),
    ],
)
def test_a_sweep_keeps_the_order(order: str, first: tuple[int, int], then: tuple[int, int]) -> None:
    queue(order)
    waiting(3, queue="render")

    dispatching.sweep()
    assert held() == first

    waiting(3, queue="render")
    dispatching.sweep()
    assert held() == then


@pytest.mark.parametrize(
    ("order", "taken"), [("local_first", 3), ("balanced", 2), ("remote_first", 0)]
)
def test_an_agent_leaves_to_other_clusters_what_is_theirs(order: str, taken: int) -> None:
    queue(order)
    waiting(3, queue="render")

    assert dispatching.refill(HERE) == taken


@pytest.mark.parametrize("order", ["local_first", "balanced", "remote_first"])
def test_nothing_waits_while_anybody_has_room(order: str) -> None:
    queue(order)
    waiting(9, queue="render")

    dispatching.sweep()

    assert held() == (4, 4)


@pytest.mark.parametrize(("order", "where"), [("local_first", HERE), ("remote_first", FAR)])
def test_a_submitted_job_goes_there_at_once(order: str, where: str) -> None:
    queue(order)
    [job] = waiting(queue="render")

    assert offering.offer([Lane.parse(Job.objects.get(pk=job).lane)]) == 1

    assert Job.objects.get().instance == where


@pytest.mark.parametrize("limit", [{"max_parallel": 1}, {"type": "ordered"}])
def test_a_limited_queue_keeps_the_order(limit: dict[str, Any]) -> None:
    queue("remote_first", **limit)
    waiting(3, queue="render")

    assert dispatching.refill(HERE) == 0
    dispatching.sweep()

    assert held() == (0, 1)


def test_what_another_cluster_refused_or_cannot_get_runs_here() -> None:
    queue("remote_first")
    refused, other, builtin = waiting(3, queue="render")
    Exclusion.objects.create(
        job_id=refused, incarnation=BOOT, until=timezone.now() + timedelta(hours=1)
    )
    Job.objects.filter(pk=builtin).update(task=ERRBACK_TASK)

    for _ in range(3):
        dispatching.sweep()

    assert states([refused, other, builtin]) == ["QUEUED"] * 3
    assert Job.objects.get(pk=refused).instance == HERE
    assert Job.objects.get(pk=builtin).instance == HERE


def test_a_silent_cluster_gets_nothing_and_its_jobs_run_here() -> None:
    queue("remote_first")
    waiting(3, queue="render")
    Peer.objects.update(silent_since=DatabaseNow())
    raise_version()
    snapshot(fresh=True)

    assert dispatching.refill(HERE) == 3


def test_explain_says_the_order() -> None:
    queue("remote_first")

    found = explain(TOPIC)

    assert found.instance == FAR
    assert "instances of other clusters come first in its queue" in found.sentence


def test_the_usual_order_asks_nothing_more() -> None:
    queue("local_first")
    waiting(queue="render")
    with statements() as usual:
        dispatching.refill(HERE)

    Queue.objects.update(cluster_order="remote_first")
    Peer.objects.all().delete()
    raise_version()
    snapshot(fresh=True)
    waiting(queue="render")
    with statements() as alone:
        dispatching.refill(HERE)

    assert len(alone) == len(usual)


@pytest.mark.parametrize("order", ["local_first", "balanced", "remote_first"])
@pytest.mark.parametrize(("weight", "first"), [(1, (0, 3)), (-1, (3, 0))])
def test_preferences_come_before_the_order(
    order: str, weight: float, first: tuple[int, int]
) -> None:
    Peer.objects.update(
        instances=[{**one, "labels": ["far"]} for one in Peer.objects.get().instances]
    )
    raise_version()
    queue(order, prefers=[[{"labels": ["far"]}, weight]])
    waiting(3, queue="render")

    dispatching.sweep()
    assert held() == first

    waiting(6, queue="render")
    dispatching.sweep()
    assert held() == (4, 4)
