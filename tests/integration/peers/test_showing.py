"""What people see of other clusters: verbs, findings and pages."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import override_settings

from offload import topology
from offload.browser.cluster.peers import PeersPart
from offload.core.peers.refusal import RefusalKind
from offload.diagnostics import Level, peers
from offload.models import Peer, PeerRefusal
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.peers.receiving import Receiver
from offload.reading.cluster import facts
from tests.integration.peers.messages import RENDER, SITE, announcement, instance, sealed
from tests.integration.peers.showing import REMOTE, silence
from tests.integration.world import HERE, join, statements

if TYPE_CHECKING:
    from offload.core.peers.configuration import PeersConfig
    from offload.fleet.leadership import Term


@pytest.fixture
def receiver(config: PeersConfig) -> Receiver:
    return Receiver(config=config)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("offload", *arguments, stdout=out)
    return out.getvalue()


def answered(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json"))


class TestVerbs:
    def test_peers_says_what_was_heard_and_refused(self, receiver: Receiver, term: Term) -> None:
        receiver.take(sealed(announcement(left_out=2), ahead=30))
        receiver.take(b"noise")
        receiver.take(sealed(announcement(beat=9))[:-1])
        receiver.refusals.write()

        told = said("peers")

        assert f"This cluster is {SITE}." in told
        assert "+30." in told or "+29." in told
        assert REMOTE in told
        assert "render has 2 more; its announcement had no place for them." in told
        assert "Refused messages in the name of render: 1 unsigned" in told
        assert "Refused messages that name no key known here: 1 unsigned" in told
        render, other = answered("peers")
        assert (render["key"], render["own_key"], render["protocol"]) == ("2026", "2026", 1)
        assert (render["clock"], render["leader"], render["ready"]) == ("critical", "gpu1@host", 1)
        assert render["refusals"] == {"unsigned": 1}
        assert [one["name"] for one in render["instances"]] == [REMOTE]
        assert (other["name"], other["heard_ago"]) == ("print", None)

    @pytest.mark.parametrize("instances", [7, "x", {}, [None, 7], [{"name": []}, {"name": "x"}]])
    def test_peers_answers_whatever_a_row_says(self, instances: Any, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        Peer.objects.update(instances=instances)
        PeerRefusal.objects.create(peer=RENDER, kind="odd", count=1, detail="x")
        raise_version()

        assert answered("peers")[0]["instances"] == []
        assert list(peers.examine())
        assert topology.view().instances == ()

    def test_peers_says_that_none_is_known(self) -> None:
        with override_settings(OFFLOAD={**django_settings.OFFLOAD, "PEERS": {}}):
            assert "No other cluster is known here." in said("peers")

    def test_a_silent_cluster_is_said(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        silence()

        assert "silent for" in said("peers")
        assert answered("peers")[0]["ready"] == 0
        assert "Cluster render: silent, heard" in said("status")

    def test_status_and_instances_show_other_clusters(self, receiver: Receiver, term: Term) -> None:
        receiver.take(sealed(announcement()))

        told = said("status")

        assert "Cluster render: 1 of 1 instances take work, heard" in told
        assert "Cluster print: nothing was ever heard of it." in told
        assert [one["name"] for one in answered("status")["peers"]] == [RENDER, "print"]
        assert REMOTE in said("instances")
        assert [(one["name"], one["cluster"]) for one in answered("instances")] == [
            (HERE, SITE),
            (REMOTE, RENDER),
        ]


class TestFindings:
    def test_a_cluster_that_is_well_has_a_line_for_each_fact(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        Peer.objects.update(clock_ahead=0.2)

        heard, *facts = [one.fact for one in peers.examine() if one.level is Level.OK]

        assert heard.startswith("render was heard ")
        assert heard.endswith("1 of 1 instances take work.")
        assert facts == [
            "render signs with the key 2026, this cluster with 2026.",
            "render speaks protocol 1, this cluster 1.",
            "The clock of render is 0.2 s ahead of the one here.",
        ]

    @pytest.mark.parametrize(
        ("ahead", "level", "told"),
        [
            (-1.5, Level.WARN, "The clock of render is 1.5 s behind the one here."),
            (5.0, Level.FAIL, "The clock of render is 5.0 s ahead of the one here."),
        ],
    )
    def test_clocks_that_differ_are_said(
        self, ahead: float, level: Level, told: str, receiver: Receiver
    ) -> None:
        receiver.take(sealed(announcement()))
        Peer.objects.update(clock_ahead=ahead)

        assert (level, told) in [(one.level, one.fact) for one in peers.examine()]

    @pytest.mark.parametrize("kind", RefusalKind)
    def test_refusals_are_said_with_the_next_step(self, kind: RefusalKind) -> None:
        PeerRefusal.objects.create(peer=RENDER, kind=kind, count=3, detail="it is odd")

        found = [one for one in peers.examine() if "Refused" in one.fact]

        assert [one.level for one in found] == [Level.WARN]
        assert f"in the name of render: 3 {kind}, the last one" in found[0].fact
        assert found[0].next_step

    def test_another_version_is_said_with_both(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()).replace(b"offload-peer 1", b"offload-peer 2"))
        receiver.refusals.write()

        (found,) = [one for one in peers.examine() if "other_version" in one.fact]

        assert "it is of version 2, and this cluster speaks 1" in found.fact
        assert found.next_step.startswith("Update offload in the older cluster.")

    def test_refusals_of_yesterday_are_not_said(self) -> None:
        row = PeerRefusal.objects.create(peer="", kind=RefusalKind.UNSIGNED, count=1, detail="x")
        PeerRefusal.objects.filter(pk=row.pk).update(
            last_at=DatabaseNow() - timedelta(days=1, seconds=1)
        )
        assert not [one for one in peers.examine() if "Refused" in one.fact]

    def test_silence_and_what_was_never_heard_are_said(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        silence()

        facts = [one.fact for one in peers.examine() if one.level is Level.WARN]

        assert any("is silent; nothing is sent there." in one for one in facts)
        assert "Nothing was ever heard of the cluster print." in facts

    def test_a_cluster_that_renames_itself_is_noticed(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        with override_settings(OFFLOAD={**django_settings.OFFLOAD, "CLUSTER": "web"}):
            facts = [one.fact for one in peers.examine()]
            told = "render knows this cluster as 'site', its former CLUSTER."
            assert told in facts
            assert answered("peers")[0]["former_name"] == "site"

    def test_without_peers_nothing_is_said_and_only_what_is_left_of_some_is_asked(
        self, database_alias: str
    ) -> None:
        with (
            override_settings(OFFLOAD={**django_settings.OFFLOAD, "PEERS": {}}),
            statements() as asked,
        ):
            assert list(peers.examine()) == []
        assert len(asked) == 2


class TestPages:
    @pytest.fixture
    def part(self) -> Any:
        """Return a function that renders the part of the pages."""
        return lambda: render_to_string(
            "offload/_peers.html", {"part": PeersPart.of(facts.read()), "with_instances": True}
        )

    def test_other_clusters_are_shown(self, part: Any, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        Peer.objects.update(clock_ahead=-7.25)
        PeerRefusal.objects.create(peer=RENDER, kind=RefusalKind.OLD, count=3, detail="it is old")
        PeerRefusal.objects.create(peer="", kind=RefusalKind.UNSIGNED, count=4, detail="no line")

        shown = part().replace("<wbr>", "")

        for text in (
            "Other clusters", REMOTE, "1 of 1 ready", " s off", "3 old", "never",
            "Refused messages that name no key known here: 4 unsigned (no line).",
        ):  # fmt: skip
            assert text in shown

    def test_pages_change_with_what_they_show(self, receiver: Receiver) -> None:
        join()
        receiver.take(sealed(announcement(beat=1)))
        first = facts.read().version
        receiver.take(sealed(announcement(beat=2)))
        second = facts.read().version
        receiver.take(sealed(announcement(beat=3, instances=(instance(room=1),))))
        third = facts.read().version
        silence()

        assert first == second != third != facts.read().version

    def test_nothing_is_shown_without_peers(self, part: Any) -> None:
        with override_settings(OFFLOAD={**django_settings.OFFLOAD, "PEERS": {}}):
            assert part().strip() == ""
