"""The page of another cluster's instance, its cells in the matrix, and the links to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.test import override_settings
from django.urls import reverse

from offload.models import FileTransfer, Job, Peer, PeerRequest
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.rules import editing
from tests.arranging import arrange
from tests.integration.browser.pages import FLEET, MATRIX, apply, page_of, text, version
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance
from tests.integration.world import HERE, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

THERE = f"{RENDER}/{HERE}"
PAGE = reverse("admin:offload_instance_change", args=[quote(THERE)])
NOW = reverse("admin:offload_instance_now", args=[quote(THERE)])
ASK = reverse("admin:offload_instance_request", args=[quote(THERE)])
HISTORY = reverse("admin:offload_instance_history", args=[quote(THERE)])
UNTIL = "2050-01-01T12:00:00+00:00"


def applied(*rules: list[Any], off: bool = False) -> dict[str, Any]:
    return {"version": 3, "off": off, "rules": list(rules)}


def announce(**facts: Any) -> None:
    """Let the other cluster announce its one instance so."""
    Peer.objects.update(instances=[instance(HERE, **facts)])
    raise_version()


@pytest.fixture(autouse=True)
def peer() -> Iterator[Any]:
    """Let another cluster be heard that lets this one rule, with one instance."""
    said = {**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": SETTING}
    with override_settings(OFFLOAD=said):
        join()
        made = Peer.objects.create(
            name=RENDER,
            own_name=SITE,
            beat=1,
            heard_at=DatabaseNow(),
            lets_rule=True,
            instances=[instance(HERE, applied=applied())],
        )
        raise_version()
        apply()
        yield made


def sent_there(**facts: Any) -> str:
    """Return a job from here that runs there."""
    job = waiting(topic="render/still")[0]
    usual = {"state": "ACTIVE", "instance": THERE, "peer": RENDER, "epoch": 1}
    arrange(Job.objects.filter(pk=job), **{**usual, **facts})
    return job


class TestPage:
    def test_it_shows_what_the_cluster_announced(self, boss: Client) -> None:
        shown = text(boss, PAGE)

        for said in (
            "● ready leader gpu",
            "Cluster render",
            "Heard under 9 s ago",
            "Running 0 of 2 slots",
            "Room for 4 of 4 jobs",
            "render/* ✓ allowed",
            "render.still",
            "cpus 8",
            "may be changed from here, by a request",
        ):
            assert said in shown

    def test_the_rules_of_both_sides_stand_beside_each_other(self, boss: Client) -> None:
        rule = editing.allow(THERE, "render/*")
        announce(applied=applied(["deny", "render/still", UNTIL], ["allow", "render/*", None]))

        shown = text(boss, PAGE)

        here = f"★ exclusive Rule {rule.pk} allows render/* and nothing else."
        there = "rules of render: ★ exclusive A rule there allows"
        assert f"{here} {there}" in shown
        assert f"allow render/* instance {THERE}" in shown
        assert "Rules of render that apply to it Rule Ends deny render/still" in shown
        assert "2050" in shown

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (applied(), "None: it may run everything it has a consumer for."),
            (applied(off=True), "⊘ switched off"),
            ({}, "It has not announced which rules it follows."),
            ({"version": 1, "off": False, "rules": 7}, "It has not announced which rules"),
            (applied(["deny", "a", "2050-01-01T12:00:00"]), "It has not announced which rules"),
            ([], "It has not announced which rules"),
        ],
    )
    def test_whatever_is_announced_of_them_is_readable(
        self, boss: Client, said: Any, told: str
    ) -> None:
        announce(applied=said)
        assert told in text(boss, PAGE).split("Rules of render that apply to it")[1]
        assert boss.get(MATRIX).status_code == 200

    def test_jobs_from_here_and_their_files_are_listed(self, boss: Client) -> None:
        job = sent_there()
        FileTransfer.objects.create(
            job_id=job, peer=RENDER, direction="output", name="48.png", epoch=1, size=7
        )

        shown = text(boss, PAGE)

        assert "From here 1 job" in shown
        assert "render/still ► active" in shown
        assert f"48.png {job} out render" in shown
        assert f'href="{page_of(job)}"' in boss.get(PAGE).content.decode()

    def test_a_poll_brings_what_changed(self, boss: Client) -> None:
        first = version(boss.get(PAGE).content)
        assert boss.get(NOW, {"v": first}).status_code == 204

        announce(applied=applied(["deny", "render/*", None]))

        answer = boss.get(NOW, {"v": first})
        assert answer.status_code == 200
        assert "✕</span> denied" in answer.content.decode()

    def test_one_that_is_not_announced_any_more_has_a_page_while_jobs_name_it(
        self, boss: Client
    ) -> None:
        Peer.objects.update(instances=[])
        raise_version()
        assert boss.get(PAGE).status_code == 404
        sent_there()
        assert "render does not announce it any more" in text(boss, PAGE)

    @pytest.mark.parametrize("name", ["render/nobody@host", "rendr/x@y", f"{SITE}/{HERE}"])
    def test_an_unknown_one_has_none(self, name: str, boss: Client) -> None:
        address = reverse("admin:offload_instance_change", args=[quote(name)])
        assert boss.get(address).status_code == 404

    def test_a_silent_cluster_is_said(self, boss: Client) -> None:
        Peer.objects.update(silent_since=DatabaseNow())
        raise_version()
        assert "⚠ render is silent" in text(boss, PAGE)

    def test_who_may_not_see_jobs_sees_none(self, staff: Callable[..., Client]) -> None:
        sent_there()
        viewer = staff("view_instance")
        shown = text(viewer, PAGE)
        assert "Jobs from here" not in shown
        assert "ask render:" not in shown
        assert "ask to switch" not in shown


class TestButtons:
    @pytest.mark.parametrize(
        ("posted", "action"),
        [
            ({"deny": f"{THERE} render/*"}, "deny"),
            ({"exclusive": f"{THERE} render/*"}, "exclusive"),
            ({"ask": f"off {THERE}"}, "off"),
        ],
    )
    def test_each_asks_the_cluster_and_the_page_says_so(
        self, posted: dict[str, str], action: str, boss: Client
    ) -> None:
        content = boss.get(PAGE).content.decode()
        [(name, value)] = posted.items()
        assert f'name="{name}" value="{value}"' in content

        answer = boss.post(ASK, posted, headers={"HX-Request": "true"}).content.decode()

        row = PeerRequest.objects.get()
        assert (row.action, row.instance, row.by) == (action, HERE, "admin")
        assert f"{action} requested" in answer or f"{action} {THERE}" in answer
        assert f'id="withdraw-{row.pk}"' in answer
        assert "Asked render" in text(boss, HISTORY)

    def test_a_request_is_taken_back(self, boss: Client) -> None:
        boss.post(ASK, {"ask": f"off {THERE}"})
        number = PeerRequest.objects.get().pk
        answer = boss.post(ASK, {"number": number}, follow=True)
        assert "was withdrawn by admin" in answer.content.decode()
        assert answer.redirect_chain[-1][0] == PAGE
        assert PeerRequest.objects.get().state == "withdrawn"

    @pytest.mark.parametrize("posted", [{}, {"ask": "x"}, {"number": "x"}, {"deny": ""}])
    def test_anything_else_is_refused(self, posted: dict[str, str], boss: Client) -> None:
        answer = boss.post(ASK, posted, follow=True)
        assert answer.status_code == 400 or "ob-bad" in answer.content.decode()
        assert not PeerRequest.objects.exists()

    @pytest.mark.parametrize("posted", [{"deny": f"{THERE} render/*"}, {"ask": f"off {THERE}"}])
    def test_who_may_not_is_refused(
        self, posted: dict[str, str], staff: Callable[..., Client]
    ) -> None:
        assert staff("view_instance").post(ASK, posted).status_code == 403


class TestLinks:
    @pytest.mark.parametrize("page", [MATRIX, FLEET])
    def test_pages_of_the_cluster_lead_to_it(self, page: str, boss: Client) -> None:
        assert f'href="{PAGE}"' in boss.get(page).content.decode()

    def test_the_page_of_a_job_there_leads_to_it(self, boss: Client) -> None:
        assert f'href="{PAGE}"' in boss.get(page_of(sent_there())).content.decode()

    def test_its_history_is_empty_at_first(self, boss: Client) -> None:
        assert "Nobody has changed anything here yet." in text(boss, HISTORY)


class TestCells:
    def test_a_cell_says_what_the_rules_there_forbid(self, boss: Client) -> None:
        announce(applied=applied(["deny", "render/*", None]))
        assert f"rules of render: ✕ denied A rule there denies render/* on {THERE}." in text(
            boss, MATRIX
        )

    def test_a_compact_cell_has_both_glyphs(self, boss: Client) -> None:
        consumers = [{"pattern": f"render/step{one:02d}", "task": "t"} for one in range(50)]
        rules = applied(["deny", "render/step01", None])
        names = [HERE, "a@b", "c@d"]
        found = [instance(one, consumers=consumers, applied=rules) for one in names]
        Peer.objects.update(instances=found)
        raise_version()
        content = boss.get(MATRIX).content.decode()
        assert 'class="ob-warn" aria-label="allowed, render: denied">✓✕' in content

    def test_a_rule_there_that_has_ended_forbids_nothing(self, boss: Client) -> None:
        announce(applied=applied(["deny", "render/*", "2001-01-01T12:00:00+00:00"]))
        assert "rules of render: ✓ allowed" in text(boss, MATRIX)
