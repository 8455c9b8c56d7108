"""Sending, accepting and moving are switched off and on again, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.test import override_settings

from offload.core.peers.contents import CloneRefusal, CloneReport, PeerAnnouncement
from offload.core.peers.peer_switches import ALL
from offload.core.placement.reasons import Obstacle
from offload.diagnostics import peers
from offload.dispatch import dispatching, overdue
from offload.models import Job, Peer
from offload.models.versions import raise_version
from offload.operations.changes.peer_switches import ResetPeerSwitch, SetPeerSwitch
from offload.peers import hearing
from offload.peers.travel import moving
from offload.reading.waiting.explain import explain
from offload.rules import peer_switches
from tests.integration.peers.travel.acting import begin, bind, claim, row_at
from tests.integration.peers.travel.switching import (
    ACCEPT,
    ANNA,
    MOVE,
    SEND,
    off,
    on,
    reason,
    tell,
    term,
)
from tests.integration.world import join, waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


class TestSend:
    def test_nothing_is_bound_and_what_has_not_begun_comes_back(self, link: Link) -> None:
        bind(link)

        assert off(link.home, SEND, note="the link is full").recalled == 1

        link.exchange()
        assert row_at(link.home).state == "PENDING"
        with link.home.here():
            assert dispatching.sweep() == 0
            obstacle, told = reason()
            assert obstacle is Obstacle.SEND_OFF
            assert told.startswith("Sending to render is switched off by anna@desk since 20")
            assert told.endswith(": the link is full.")
            step = explain("dam/web").next_step
            assert "manage.py offload peers" in step
        on(link.home, SEND)
        with link.home.here():
            assert dispatching.sweep() == 1

    def test_what_runs_goes_on(self, link: Link) -> None:
        begin(link)
        assert off(link.home, SEND).recalled == 0
        link.exchange()
        assert row_at(link.home).state == row_at(link.peer).state == "ACTIVE"

    def test_the_switch_of_all_clusters_is_one_more(self, link: Link) -> None:
        off(link.home, SEND, ALL)
        on(link.home, SEND)
        with link.home.here():
            waiting()
            assert dispatching.sweep() == 0
            assert reason()[1].startswith("Sending to any other cluster is switched off")
            peer_switches.reset(SEND, ALL)
            assert dispatching.sweep() == 1

    def test_the_settings_turn_it_off_until_somebody_sets_it(self, link: Link) -> None:
        with link.home.here():
            given: Any = settings.OFFLOAD["PEERS"]
            known = {"render": {**given["render"], "OFF": ["send"]}}
            with override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": known}):
                raise_version()
                told = "Sending to render is switched off by the settings."
                assert reason() == (Obstacle.SEND_OFF, told)
                SetPeerSwitch(switch=SEND, peer="render", on=True).apply(ANNA)
                assert reason() == (None, "")
                assert ResetPeerSwitch(switch=SEND, peer="render").apply(ANNA).recalled == 0
                assert reason() == (Obstacle.SEND_OFF, told)


class TestAccept:
    def test_a_clone_is_refused_with_the_reason_and_home_keeps_the_job(self, link: Link) -> None:
        bind(link)
        off(link.peer, ACCEPT)

        link.send(link.home)
        link.carry(link.peer)
        [report] = link.send(link.peer)
        link.carry(link.home)

        assert isinstance(report, CloneReport)
        assert report.reason is CloneRefusal.SWITCHED_OFF
        row = row_at(link.home)
        assert (row.state, row.peer) == ("PENDING", None)
        with link.peer.here():
            assert not Job.objects.exists()

    def test_home_is_told_and_binds_nothing_there(self, link: Link) -> None:
        off(link.peer, ACCEPT)
        tell(link)

        with link.home.here():
            waiting()
            assert dispatching.sweep() == 0
            obstacle, told = reason()
            assert obstacle is Obstacle.NOT_ACCEPTING
            assert told == "render says that it accepts no jobs from here: it was switched off."
            assert any("accepts no jobs from here" in one.fact for one in peers.examine())

        on(link.peer, ACCEPT)
        tell(link)
        with link.home.here():
            assert dispatching.sweep() == 1

    def test_home_takes_back_what_has_not_begun_there(self, link: Link) -> None:
        bind(link)
        link.exchange()
        off(link.peer, ACCEPT)
        tell(link)

        with link.home.here():
            moving.recall(term())
        link.exchange()

        assert row_at(link.home).state == "PENDING"
        assert row_at(link.peer).state == "STOPPED"

    def test_what_was_taken_goes_on(self, link: Link) -> None:
        job_id = bind(link)
        link.exchange()
        off(link.peer, ACCEPT)
        assert claim(link, job_id) is not None

    def test_an_announcement_without_it_means_yes_and_news_of_it_raises_the_version(
        self, link: Link
    ) -> None:
        assert PeerAnnouncement(term=1, beat=1, confirms=0, lease=1.0).is_accepting


class TestMove:
    @pytest.fixture
    def silent(self, link: Link) -> Link:
        """Return the link with a job that waits at a peer that fell silent, and may not move."""
        bind(link)
        link.exchange()
        off(link.home, MOVE)
        with link.home.here():
            Peer.objects.update(silent_since=Now())
            raise_version()
        return link

    def test_what_is_bound_to_a_silent_cluster_stays_until_it_is_switched_on(
        self, silent: Link
    ) -> None:
        with silent.home.here():
            assert moving.move(term()) == 0
        assert row_at(silent.home).state == "QUEUED"

        on(silent.home, MOVE)
        with silent.home.here():
            assert moving.move(term()) == 1
        assert row_at(silent.home).state == "PENDING"

    def test_a_job_that_is_to_be_stopped_is_stopped_all_the_same(self, silent: Link) -> None:
        with silent.home.here():
            Job.objects.update(stop_requested=True)
            assert moving.move(term()) == 1
        assert row_at(silent.home).state == "STOPPED"

    def test_its_result_counts_once_it_is_heard_again(self, silent: Link) -> None:
        job_id = row_at(silent.home).pk
        assert claim(silent, job_id) is not None
        with silent.home.here():
            Peer.objects.update(silent_since=None)
            raise_version()
        silent.exchange()
        assert row_at(silent.home).state == "ACTIVE"

    def test_switched_off_sending_takes_nothing_back(self, link: Link) -> None:
        bind(link)
        off(link.home, MOVE)
        assert off(link.home, SEND).recalled == 0
        with link.home.here():
            moving.recall(term())
        link.exchange()
        assert row_at(link.home).state == row_at(link.peer).state == "QUEUED"

    def test_a_job_that_waits_long_stays_although_there_is_room_here(self, link: Link) -> None:
        bind(link)
        with link.home.here():
            said = {**settings.OFFLOAD, "RECALL": 0.0}
            off_ = SetPeerSwitch(switch=MOVE, peer="render", on=False)
            join("author@a")
            with override_settings(OFFLOAD=said):
                off_.apply(ANNA)
                overdue.recall(term())
                link_rows = Job.objects.get()
        link.exchange()
        assert link_rows.peer == "render"
        assert row_at(link.home).peer == "render"


def test_the_announcement_is_heard(link: Link) -> None:
    """The fact goes from a message into the row, and back once it is heard otherwise."""
    off(link.peer, ACCEPT)
    with link.home.here():
        Peer.objects.update(beat=1)
        for beat, said in ((2, False), (3, True)):
            message: Any = type("M", (), {"sender": "render", "receiver": "site"})()
            message.sent_at, message.key_id = Peer.objects.get().heard_at, "k"
            content = PeerAnnouncement(term=1, beat=beat, confirms=0, lease=1.0, is_accepting=said)
            hearing.hear(message, content, message.sent_at)
            assert Peer.objects.get().is_accepting is said
