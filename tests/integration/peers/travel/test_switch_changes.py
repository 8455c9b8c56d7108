"""Switches of other clusters as changes by people: previewed, recorded, and by the command."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from offload.conf import peers as configured
from offload.core.exceptions import InvalidSwitch, UnknownPeer
from offload.core.peers.peer_switches import ALL
from offload.diagnostics import peers
from offload.models import ChangeRecord, LinkSwitch
from offload.models.change_records import Entrance, SubjectKind
from offload.models.versions import raise_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.peer_switches import SetPeerSwitch
from offload.reading.waiting.explain import explain
from offload.signals import change_made
from tests.integration.peers.travel.acting import bind
from tests.integration.peers.travel.switching import (
    ANNA,
    MOVE,
    SEND,
    THERE,
    off,
)
from tests.integration.world import statements, waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


class TestChanges:
    def test_a_preview_says_who_would_run_nothing_more_and_changes_nothing(
        self, link: Link
    ) -> None:
        bind(link)
        with link.home.here():
            change = SetPeerSwitch(switch=SEND, peer="render", on=False, note="x")
            found = change.preview()
            assert {one.instance for one in found.permissions.closed} == {THERE}
            assert found.outcome.recalled == 1
            assert not LinkSwitch.objects.exists()
            assert change.apply(ANNA) == found.outcome

    def test_it_is_recorded_with_the_note_and_told_as_an_event(self, link: Link) -> None:
        heard: list[Any] = []
        hear = lambda event, **_: heard.append(event)  # noqa: E731
        change_made.connect(hear)
        off(link.peer, SEND, note="the link is full")
        off(link.peer, MOVE, ALL)
        change_made.disconnect(hear)

        with link.peer.here():
            first, second = ChangeRecord.objects.order_by("id")
        assert (first.action, first.kind, first.subject) == ("send off", "peer", "site")
        assert first.text == "Switched off: sending to site: the link is full."
        assert (first.actor, second.subject) == ("anna@desk", "*")
        assert [(one.action, one.kind) for one in heard] == [
            ("send off", SubjectKind.PEER),
            ("move off", SubjectKind.PEER),
        ]

    def test_the_same_again_keeps_who_and_since_and_takes_a_new_note(self, link: Link) -> None:
        off(link.home, SEND, note="one")
        with link.home.here():
            first = LinkSwitch.objects.get()
            SetPeerSwitch(switch=SEND, peer="render", on=False, note="two").apply(
                Actor(name="berta", entrance=Entrance.ADMIN)
            )
            again = LinkSwitch.objects.get()
        assert (again.since, again.by, again.note) == (first.since, "anna@desk", "two")

    def test_what_cannot_be_is_refused(self, link: Link) -> None:
        with link.home.here():
            with pytest.raises(UnknownPeer, match="Did you mean 'render'"):
                SetPeerSwitch(switch=SEND, peer="rendr", on=False).apply(ANNA)
            for note in ("x" * 256, "\0"):
                with pytest.raises(InvalidSwitch):
                    SetPeerSwitch(switch=SEND, peer="render", on=False, note=note).apply(ANNA)
            assert not LinkSwitch.objects.exists()

    def test_sites_without_peers_ask_nothing(self, link: Link) -> None:
        with (
            link.home.here(),
            override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": {}}),
            statements() as asked,
        ):
            raise_version()
            explain("dam/web")
            assert not configured()
        assert not [one for one in asked if LinkSwitch._meta.db_table in one]


class TestVerb:
    @pytest.fixture(autouse=True)
    def _home(self, link: Link) -> Any:
        with link.home.here():
            yield

    @staticmethod
    def said(*words: str) -> str:
        out = StringIO()
        call_command("offload", "peers", *words, stdout=out)
        return out.getvalue()

    def test_a_switch_is_set_shown_and_reset(self) -> None:
        told = self.said("send", "render", "off", "--note", "disk")
        assert told.strip() == "Switched off: sending to render: disk."
        assert "Sending to render is switched off by " in self.said()
        [line] = json.loads(self.said("--json"))
        assert line["switches"]["send"]["on"] is False
        assert line["switches"]["send"]["note"] == "disk"
        assert line["switches"]["accept"]["on"] is True
        assert self.said("send", "render", "on").strip() == "Switched on: sending to render."
        assert "Sending to render was switched on by " in self.said()
        assert "The settings say it again" in self.said("send", "render", "reset")
        assert not LinkSwitch.objects.exists()

    def test_all_clusters_are_switched_together(self) -> None:
        found = json.loads(self.said("accept", "off", "--all", "--json"))
        assert found == {"switch": "accept", "cluster": None, "position": "off", "recalled": 0}
        assert LinkSwitch.objects.get().peer == ALL
        assert "Accepting jobs from any other cluster is switched off" in self.said()
        assert [one.next_step for one in peers.examine() if "any other" in one.fact] == [
            "To switch it on: manage.py offload peers accept on --all"
        ]

    def test_the_doctor_says_what_is_off_and_how_to_end_it(self) -> None:
        self.said("move", "render", "off")
        [found] = [one for one in peers.examine() if "Moving jobs away" in one.fact]
        assert found.next_step == "To switch it on: manage.py offload peers move render on"

    def test_a_dry_run_changes_nothing(self) -> None:
        waiting()
        told = self.said("send", "render", "off", "--dry-run")
        assert "Nothing was changed." in told
        assert f"{THERE} may no longer run" in told
        assert not LinkSwitch.objects.exists()

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("send", "off"), "Name one cluster, or write --all"),
            (("send", "render", "off", "--all"), "Name one cluster, or write --all"),
            (("send", "render", "of"), "'of' is none of on, off, reset. Did you mean 'off'?"),
            (("send", "rendr", "off"), "Did you mean 'render'?"),
            (("sned", "render", "off"), "there is no action 'sned'. Did you mean 'send'?"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, words: tuple[str, ...], told: str) -> None:
        with pytest.raises(CommandError) as refused:
            self.said(*words)
        assert told in str(refused.value)
