"""People see where a job runs and whose it is, and why one does not travel."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from offload.core.placement.reasons import Obstacle
from offload.dispatch import dispatching
from offload.models import Job, Payload, Peer
from offload.models.versions import raise_version
from offload.reading.jobs.page import page
from offload.reading.waiting.explain import explain, explain_job
from offload.rules import editing
from tests.integration.peers.travel.acting import begin, bind, row_at
from tests.integration.world import HERE, waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

THERE = f"render/{HERE}"


def test_it_is_said_where_a_job_runs_and_whose_it_is(link: Link) -> None:
    job_id = begin(link).key.job_id

    with link.home.here():
        job = Job.objects.get()
        assert explain_job(job).sentence == f"It runs on {THERE}, attempt 1."
        shown = page(job, with_payload=False)
        assert (shown.peer, shown.home) == ("render", "")
        said = StringIO()
        call_command("offload", "job", job_id, "--json", stdout=said)
        facts = json.loads(said.getvalue())
        assert (facts["instance"], facts["cluster"], facts["home"]) == (THERE, "render", None)
    with link.peer.here():
        told = explain_job(Job.objects.get()).sentence
        assert told == f"It runs on {HERE}, attempt 1. It is a clone: site owns it."
        said = StringIO()
        call_command("offload", "job", job_id, stdout=said)
        assert "It is a clone: site owns it." in said.getvalue()


def test_what_was_not_answered_says_how_often_it_was_sent(link: Link) -> None:
    bind(link)
    link.send(link.home)

    with link.home.here():
        told = explain_job(Job.objects.get()).sentence
    assert told == f"It is bound to {THERE}, was sent to render 1 time, and has not begun."


def obstacle(topic: str = "dam/web") -> Obstacle | None:
    """Return the obstacle between a topic and the peer's instance."""
    [verdict] = [one for one in explain(topic).verdicts if one.instance == THERE]
    return verdict.reason.obstacle if verdict.reason else None


def test_each_reason_not_to_travel_is_told(link: Link) -> None:
    with link.home.here():
        assert obstacle() is None
        editing.deny("render/*", "dam/web", scope="glob")
        assert obstacle() is Obstacle.DENIED
        assert obstacle("dam/print") is None
        Peer.objects.update(silent_since=Now())
        raise_version()
        assert obstacle("dam/print") is Obstacle.PEER_SILENT


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"payload_id": "p"}, None),
        ({"needs": "clone"}, Obstacle.IS_CLONE),
        ({"topic": "dam/render"}, None),
    ],
)
def test_a_job_that_stays_says_why(
    link: Link, facts: dict[str, Any], reason: Obstacle | None
) -> None:
    with link.home.here():
        Payload.objects.create(id="p")
        waiting(**facts)
        [verdict] = explain_job(Job.objects.get()).verdicts
        assert (verdict.reason and verdict.reason.obstacle) is reason
        assert dispatching.sweep() == (reason is None)


def test_a_rule_at_home_names_instances_of_the_peer(link: Link) -> None:
    job_id = bind(link)
    with link.home.here():
        editing.deny(THERE, "dam/**")
    link.exchange()
    assert row_at(link.home).state == "PENDING"
    with link.peer.here():
        assert not Job.objects.exclude(pk=job_id).exists()
    with link.home.here():
        assert dispatching.sweep() == 0
