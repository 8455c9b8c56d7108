"""The topology of several clusters, as a site's code sees it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from offload import topology
from offload.core.exceptions import ConfigurationError
from offload.fleet import snapshots
from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.peers.receiving import Receiver
from offload.topology.current import news_ages
from offload.worker.agent import naming
from tests.integration.peers.messages import RENDER, SITE, announcement, instance, sealed
from tests.integration.peers.showing import REMOTE, silence
from tests.integration.world import HERE, statements

if TYPE_CHECKING:
    from offload.core.peers.configuration import PeersConfig
    from offload.fleet.leadership import Term


@pytest.fixture
def receiver(config: PeersConfig) -> Receiver:
    return Receiver(config=config)


class TestTopology:
    def test_a_view_has_the_instances_of_other_clusters(
        self, receiver: Receiver, term: Term
    ) -> None:
        receiver.take(sealed(announcement(instances=(instance(HERE), instance()))))

        seen = topology.view()

        assert [one.name for one in seen.instances] == [HERE, f"render/{HERE}", REMOTE]
        own, other = seen.clusters
        assert (own.name, own.is_remote) == (SITE, False)
        assert (other.name, other.is_remote, other.is_silent) == (RENDER, True, False)
        assert own.leader == seen.leader == seen.instance(HERE)
        assert other.leader == seen.instance(f"render/{HERE}")
        found = seen.instance(REMOTE)
        assert found is not None
        assert (found.patterns, found.labels) == (("render/*",), frozenset({"gpu"}))
        assert found.properties["cpus"] == 8

    def test_a_silent_cluster_is_in_the_view_without_its_instances(
        self, receiver: Receiver, term: Term
    ) -> None:
        receiver.take(sealed(announcement()))
        before = topology.view()
        silence()

        seen = topology.view()

        assert [one.name for one in topology.difference(before, seen).removed] == [REMOTE]
        assert [(one.name, one.is_silent) for one in seen.clusters] == [
            (SITE, False),
            (RENDER, True),
        ]

    def test_listeners_hear_of_another_clusters_instances(
        self, receiver: Receiver, term: Term
    ) -> None:
        before = topology.view()
        receiver.take(sealed(announcement(beat=1)))
        joined = topology.view()
        receiver.take(sealed(announcement(beat=2, instances=(instance(mode="draining"),))))
        changed = topology.view()

        assert [one.name for one in topology.difference(before, joined).added] == [REMOTE]
        assert before.membership != joined.membership
        assert [one.name for one in topology.difference(joined, changed).changed] == [REMOTE]

    def test_an_instance_that_makes_no_sense_is_left_out(
        self, receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        odd: list[dict[str, Any]] = [
            {},
            instance(name=""),
            instance(name="x" * 200),
            instance(concurrency="many"),
            instance(consumers=[{"pattern": "**/x"}, {"pattern": "a", "task": "t"}]),
            instance(name="other", mode="odd", labels=7, facts=[1], broken=None),
        ]
        receiver.take(sealed(announcement(instances=tuple(odd))))

        first, other = snapshots.snapshot(fresh=True).topology.remote

        assert [one.pattern.text for one in first.consumers] == ["a"]
        assert (other.name, other.mode, other.labels) == ("render/other", "suspect", frozenset())
        assert "left out, since it cannot be read" in caplog.text

    def test_the_age_of_news_is_known(self, receiver: Receiver) -> None:
        assert topology.news_ages() == {}
        receiver.take(sealed(announcement()))
        Peer.objects.update(heard_at=DatabaseNow() - timedelta(seconds=30))
        assert topology.news_ages() == {RENDER: pytest.approx(30, abs=5)}

    def test_what_changes_all_the_time_is_known(self, receiver: Receiver) -> None:
        assert topology.remote_news() == {}
        until = "2050-01-01T12:00:00+00:00"
        rules = [["deny", "render/still", until], ["allow", "render/*", None]]
        applied = {"version": 1, "off": False, "rules": rules}
        receiver.take(sealed(announcement(instances=(instance(applied=applied, room=3),))))
        Peer.objects.update(heard_at=DatabaseNow() - timedelta(seconds=30))

        found = topology.remote_news()

        assert found == {
            REMOTE: topology.RemoteNews(
                age=pytest.approx(30, abs=5),  # type: ignore[arg-type]
                running=0,
                room=3,
                rules=(
                    topology.RemoteRule(
                        verb="deny", pattern="render/still", until=datetime.fromisoformat(until)
                    ),
                    topology.RemoteRule(verb="allow", pattern="render/*"),
                ),
            )
        }

    @pytest.mark.parametrize(
        "applied", [None, [], 7, {"rules": 7}, {"rules": [["deny", "a", "2050-01-01T12:00:00"]]}]
    )
    def test_rules_that_cannot_be_read_are_unknown(self, applied: Any, receiver: Receiver) -> None:
        receiver.take(sealed(announcement(instances=(instance(applied=applied, room="x"),))))
        news = topology.remote_news()[REMOTE]
        assert (news.rules, news.room, news.running) == (None, None, 0)

    def test_without_peers_nothing_is_asked(self, receiver: Receiver) -> None:
        receiver.take(sealed(announcement()))
        snapshots.snapshot(fresh=True)
        with override_settings(OFFLOAD={**django_settings.OFFLOAD, "PEERS": {}}):
            raise_version()
            with statements() as asked:
                assert snapshots.snapshot(fresh=True).topology.remote == ()
                assert news_ages() == {}
                assert topology.remote_news() == {}
            assert not [one for one in asked if Peer._meta.db_table in one]


def test_a_worker_is_not_named_like_another_clusters_instance() -> None:
    with pytest.raises(ConfigurationError, match="reads as one of the cluster 'render'"):
        naming._check_clusters(REMOTE)
    naming._check_clusters("other/gpu1@host")
    naming._check_clusters("render@host")
