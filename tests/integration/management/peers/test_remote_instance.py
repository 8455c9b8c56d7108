"""``instances NAME`` and ``explain``: one instance, of this cluster or of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.test import override_settings

from offload.core.peers.rule_requests import RequestAction
from offload.models import FileTransfer, Job, Peer
from offload.models.change_records import Entrance
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.requests import AskPeer
from offload.rules import editing
from tests.arranging import arrange
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance
from tests.integration.world import HERE, join, running, statements, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Said = Callable[..., str]
    Answered = Callable[..., Any]

THERE = "render/gpu1@host"
DENY = {"version": 3, "off": False, "rules": [["deny", "render/still", None]]}


@pytest.fixture
def peer() -> Iterator[None]:
    """Let another cluster be heard that lets this one rule, with one instance and one rule."""
    with override_settings(OFFLOAD={**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": SETTING}):
        Peer.objects.create(
            name=RENDER,
            own_name=SITE,
            beat=1,
            heard_at=DatabaseNow(),
            lets_rule=True,
            instances=[instance(applied=DENY)],
        )
        raise_version()
        yield


@pytest.mark.usefixtures("peer")
class TestElsewhere:
    def test_it_is_shown_with_the_rules_of_both_sides(self, said: Said, answered: Answered) -> None:
        rule = editing.deny(THERE, "render/draft")

        told = said("instances", THERE)

        for text in ("render, heard", "ready", "0 of 2", "for 4 of 4 jobs", "cpus", "gpu"):
            assert text in told
        assert "deny" in told.rsplit("rule there", 1)[1]
        assert f"{rule.pk}" in told.rsplit("rule there", 1)[1]
        facts = answered("instances", THERE)
        assert (facts["name"], facts["announced"], facts["room"]) == (THERE, True, 4)
        assert [(one["pattern"], one["here"], one["there"]) for one in facts["topics"]] == [
            ("render/*", "allowed", "allowed"),
            ("render/draft", "denied", "allowed"),
            ("render/still", "allowed", "denied"),
        ]
        assert facts["rules_there"] == {
            "off": False,
            "rules": [{"verb": "deny", "pattern": "render/still", "until": None}],
        }
        assert [one["id"] for one in facts["rules"]] == [rule.pk]

    def test_its_jobs_requests_and_transfers_are_listed(
        self, said: Said, answered: Answered
    ) -> None:
        job = waiting(topic="render/draft")[0]
        there = {"state": "ACTIVE", "instance": THERE, "peer": RENDER, "epoch": 1}
        arrange(Job.objects.filter(pk=job), **there)
        FileTransfer.objects.create(
            job_id=job, peer=RENDER, direction="input", name="a.jpg", epoch=1, size=7
        )
        ada = Actor(name="ada", entrance=Entrance.TERMINAL)
        AskPeer(instance=THERE, action=RequestAction.OFF).apply(ada)

        told = said("instances", THERE)

        assert job in told.replace("\n", "")
        assert "requested" in told
        assert "a.jpg" in told
        facts = answered("instances", THERE)
        assert [one["id"] for one in facts["jobs"]] == [job]
        assert [(one["action"], one["by"]) for one in facts["requests"]] == [("off", "ada")]
        assert [one["name"] for one in facts["transfers"]] == ["a.jpg"]

    def test_one_whose_rules_are_not_announced_says_so(
        self, said: Said, answered: Answered
    ) -> None:
        Peer.objects.update(instances=[instance()])
        raise_version()
        assert "It has not announced which rules" in said("instances", THERE)
        assert answered("instances", THERE)["rules_there"] is None

    def test_one_that_is_gone_says_so_while_a_request_names_it(self, said: Said) -> None:
        ada = Actor(name="ada", entrance=Entrance.TERMINAL)
        AskPeer(instance=THERE, action=RequestAction.OFF).apply(ada)
        Peer.objects.update(instances=[])
        raise_version()
        assert "render does not announce render/gpu1@host any more." in said("instances", THERE)

    def test_a_misspelt_name_gets_the_nearest(self, said: Said) -> None:
        with pytest.raises(CommandError, match=r"There is no instance 'render/gpu2@host'.*gpu1"):
            said("instances", "render/gpu2@host")

    def test_rules_for_it_are_listed_as_in_force_on_it(self, answered: Answered) -> None:
        editing.deny("render/*", "render/still", scope="glob")
        (rule,) = answered("rules", "--instance", THERE)
        assert rule["instances"] == [THERE]

    def test_explain_says_what_that_cluster_would_refuse(
        self, said: Said, answered: Answered
    ) -> None:
        told = "By the rules of render: A rule there denies render/still on render/gpu1@host."
        assert f"{told} It would be refused." in said("explain", "render/still").replace("\n", " ")
        (verdict,) = answered("explain", "render/still")["instances"]
        assert (verdict["can_run"], verdict["there"]) == (True, told)
        (verdict,) = answered("explain", "render/draft")["instances"]
        assert verdict["there"] == ""


def test_an_own_instance_is_shown_with_its_jobs(said: Said, answered: Answered) -> None:
    join(labels=["gpu"], facts={"cpus": 8})
    join("other@host")
    job = running()
    told = said("instances", HERE)
    assert "cpus" in told
    assert "other@host" not in told
    facts = answered("instances", HERE)
    assert [one["id"] for one in facts["jobs"]] == [job.id]
    assert facts["name"] == HERE


def test_explain_asks_nothing_of_rules_elsewhere_without_other_clusters(said: Said) -> None:
    join()
    with statements() as sent:
        said("explain", "dam/web")
    assert Peer._meta.db_table not in "".join(sent)
