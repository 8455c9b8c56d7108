"""A run that is one job at another site comes home once, though the link is cut in its middle."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from celery import chain, group

from offload.models import Job, Peer, Run
from offload.workflows import RunHandle, definitions, start, step, workflow
from tests.acceptance.peers.clusters import pair
from tests.acceptance.peers.crowds import LIMIT
from tests.acceptance.site.journal import events
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from tests.acceptance.peers.clusters import Cluster, Pair

#: A worker may take minutes to start on a busy machine.
pytestmark = pytest.mark.timeout(1200)
#: Longer than the cut, and shorter.
PATIENT, HASTY = 120, 4


@pytest.fixture(params=[PATIENT, HASTY], ids=["patient", "hasty"])
def clusters(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pair]:
    """Return two clusters that give each other up late, or soon; only home knows the workflow."""
    monkeypatch.setattr(definitions, "defined", {})
    given = {"HEARTBEAT": 0.5, "TIMEOUT": request.param}
    with (
        django_db_blocker.unblock(),
        pair(tmp_path, cables=True, settings=given, transports=("inline",)) as found,
    ):
        for one in (found.site, found.render):
            with one.visited():
                one.fleet.need("a")
        yield found


def started(clusters: Pair, gate: Path) -> str:
    """Start a run whose first step waits at a gate at the peer; return its id."""
    workflow("acc/away")(
        lambda: chain(
            step("acc/gate", gate=str(gate)),
            group(
                step("acc/echo", called="loud").set(immutable=True),
                step("acc/last", called="last"),
            ),
        )
    )
    with clusters.site.visited():
        hears = Peer.objects.filter(heard_at__isnull=False, silent_since=None)
        eventually(hears.exists, within=LIMIT, what="the peer is heard")
        return start("acc/away", files={"said.txt": b"said"}, peer=clusters.render.name).id


def begun(render: Cluster, count: int) -> list[Run]:
    """Return the runs at the peer once so many have begun their first step there."""
    with render.visited():
        waiting = Job.objects.filter(topic="acc/gate", state="ACTIVE")
        eventually(
            lambda: Run.objects.count() == count and waiting.exists(),
            within=LIMIT,
            what=f"run {count} has begun at the peer",
        )
        return list(Run.objects.order_by("created_at"))


def ended(run: Run) -> bool:
    """Return whether a run has ended."""
    run.refresh_from_db()
    return run.state != "RUNNING"


def test_it_comes_home_once(clusters: Pair, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    is_moved = "hasty" in request.node.name
    gate = tmp_path / "gate"
    run_id = started(clusters, gate)
    [first] = begun(clusters.render, 1)

    clusters.cables[0].cut()
    if is_moved:
        with clusters.site.visited():
            back = Job.objects.filter(run=run_id, state="PENDING")
            eventually(back.exists, within=LIMIT, what="home has taken the run back")
    gate.touch()
    if not is_moved:
        with clusters.render.visited():
            eventually(lambda: ended(first), within=LIMIT, what="the run ends at the peer")
    clusters.cables[0].mend()

    with clusters.site.visited():
        handle = RunHandle(run_id)
        eventually(lambda: handle.state.is_final, within=LIMIT, what="the run is home")
        placeholder = handle.steps.get()
        assert (handle.state, placeholder.epoch) == ("SUCCEEDED", 1 + is_moved)
        names, [slept] = handle.result(timeout=LIMIT)
        assert (names, slept) == (["said.txt"], "slept in epoch 1")
        assert [file.sha256 for file in handle.outputs] == [sha256(b"SAID").hexdigest()]
        assert {one.state for one in handle.plan.values()} == {"SUCCEEDED"}
    with clusters.render.visited():
        runs = list(Run.objects.order_by("created_at"))
        assert len(runs) == 1 + is_moved
        assert runs[-1].state == "SUCCEEDED"
        lasts = Job.objects.filter(run=runs[-1], topic="acc/last")
        assert len(events(lasts.get().pk, "ran")) == 1
