"""Other clusters on the pages of the matrix and of the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from offload.core.peers.peer_switches import PeerSwitch
from offload.models import ChangeRecord, Job, LinkSwitch, Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.rules import editing
from tests.arranging import arrange
from tests.integration.browser.pages import (
    FLEET,
    FLEET_NOW,
    MATRIX,
    MATRIX_NOW,
    apply,
    text,
    version,
)
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance
from tests.integration.world import HERE, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

#: The name here of the other cluster's instance.
THERE = f"{RENDER}/{HERE}"


@pytest.fixture(autouse=True)
def peer() -> Iterator[Any]:
    """Let another cluster be heard that has one instance of the same nodename."""
    said = {**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": SETTING}
    with override_settings(OFFLOAD=said):
        join()
        made = Peer.objects.create(
            name=RENDER,
            own_name=SITE,
            beat=1,
            heard_at=DatabaseNow(),
            key_id="2026",
            protocol=1,
            clock_ahead=0.1,
            instances=[instance(HERE)],
        )
        raise_version()
        apply()
        yield made


def test_the_list_of_instances_shows_other_clusters(boss: Client) -> None:
    shown = text(boss, FLEET)

    assert "Other clusters" in shown
    assert f"{THERE} leader gpu ● ready 0 of 2 slots room for 4 render/*" in shown
    assert "print ✕ never" in shown


def test_the_matrix_has_a_column_for_each_instance_of_another_cluster(boss: Client) -> None:
    shown = text(boss, MATRIX)

    assert "1 of 1 ready in other clusters" in shown
    assert f"{HERE} ● ready running 0 of 2 {THERE} leader ● ready running 0 of 2 " in shown
    # Its topic is a row, which no instance here has a consumer for.
    assert "render/* pattern · no consumer ✓ allowed No rule concerns it. " in shown
    assert "dam/** pattern ✓ allowed applied No rule concerns it." in shown
    buttons = [one for one in boss.get(MATRIX).content.decode().splitlines() if "<button" in one]
    assert buttons
    assert THERE not in "".join(buttons)


def test_a_cell_counts_the_jobs_from_here_that_run_there(boss: Client) -> None:
    job = waiting(topic="render/still")[0]
    arrange(Job.objects.filter(pk=job), state="ACTIVE", instance=THERE, peer=RENDER, epoch=1)

    assert "render/still 0 wait · 0 queued · 1 run · no consumer ✓ allowed · 1 run" in text(
        boss, MATRIX
    )


def test_a_rule_here_keeps_a_topic_from_another_cluster(boss: Client) -> None:
    rule = editing.deny("render/*", "render/still", scope="glob")

    assert f"✕ denied Rule {rule.pk} denies render/still on {THERE}." in text(boss, MATRIX)


def test_what_may_not_be_sent_is_said_and_has_no_row_of_its_own(boss: Client, peer: Any) -> None:
    consumers = [{"pattern": one, "task": "t"} for one in ("dam/**", "secret/*", "render/*")]
    Peer.objects.update(instances=[instance(HERE, consumers=consumers)])
    raise_version()

    shown = text(boss, MATRIX)

    assert "↛ not sent there No pattern lets dam/** be sent to render." in shown
    assert "secret/*" not in shown


def test_an_instance_of_a_silent_cluster_is_a_problem(boss: Client) -> None:
    Peer.objects.update(silent_since=DatabaseNow())
    raise_version()

    shown = text(boss, f"{MATRIX}?problems=on")
    assert "0 of 1 ready in other clusters" in shown
    waiting(topic="render/still")
    shown = text(boss, f"{MATRIX}?problems=on")
    assert f"{THERE} leader ● ready ⚠ render is silent running 0 of 2 {HERE} ● ready" in shown
    assert "no instance can run it" in shown


def test_a_topic_that_only_another_cluster_runs_is_not_stranded(boss: Client) -> None:
    waiting(topic="render/still")

    assert "no instance can run it" not in text(boss, MATRIX)
    assert "1 wait · 0 queued" in text(boss, MATRIX)


def test_a_search_finds_instances_of_another_cluster(boss: Client) -> None:
    shown = text(boss, f"{MATRIX}?q=render/{HERE}")

    assert f"Topic {THERE} leader" in shown


def test_in_a_large_matrix_a_cell_of_another_cluster_shows_its_details_on_demand(
    boss: Client, peer: Any
) -> None:
    consumers = [{"pattern": f"render/step{one:02d}", "task": "t"} for one in range(50)]
    names = [f"gpu{one}@host" for one in range(4)]
    Peer.objects.update(instances=[instance(one, consumers=consumers) for one in names])
    raise_version()

    content = boss.get(MATRIX).content.decode()
    assert 'title="render/gpu1@host"' in content
    assert 'value="render/gpu1@host render/step01"' in content
    asked = urlencode({"cell": "render/gpu1@host render/step01"})
    assert "render/step01 on render/gpu1@host" in text(boss, f"{MATRIX}?{asked}")


@pytest.mark.parametrize("page", [FLEET_NOW, MATRIX_NOW])
def test_a_poll_brings_what_changed_elsewhere(page: str, boss: Client, peer: Any) -> None:
    first = version(boss.get(page).content)
    assert boss.get(page, {"v": first}).status_code == 204

    Peer.objects.update(silent_since=DatabaseNow())
    raise_version()

    answer = boss.get(page, {"v": first})
    assert answer.status_code == 200
    assert "silent" in answer.content.decode()


LINK = reverse("admin:offload_instance_link")


class TestSwitches:
    @pytest.mark.parametrize("whose", [RENDER, ""])
    @pytest.mark.parametrize("switch", PeerSwitch)
    def test_each_is_switched_off_shown_and_on_again(
        self, boss: Client, whose: str, switch: PeerSwitch
    ) -> None:
        assert f"{switch} off" in text(boss, FLEET)
        first = version(boss.get(FLEET).content)

        boss.post(LINK, {"peer": whose, "switch": f"{switch} off"})

        row = LinkSwitch.objects.get()
        assert (row.peer, row.switch, row.is_on, row.by) == (whose, switch, False, "admin")
        assert f"{switch.doing(whose)} is switched off by admin since" in text(boss, FLEET)
        assert boss.get(FLEET_NOW, {"v": first}).status_code == 200
        boss.post(LINK, {"peer": whose, "switch": f"{switch} on"})
        assert LinkSwitch.objects.get().is_on
        boss.post(LINK, {"peer": whose, "switch": f"{switch} reset"})
        assert not LinkSwitch.objects.exists()
        actions = ChangeRecord.objects.order_by("id").values_list("action", flat=True)
        assert list(actions) == [f"{switch} {one}" for one in ("off", "on", "reset")]

    def test_htmx_gets_the_fragment_with_what_was_done(self, boss: Client) -> None:
        answer = boss.post(
            LINK, {"peer": RENDER, "switch": "send off"}, headers={"HX-Request": "true"}
        )
        assert "Switched off: sending to render." in answer.content.decode()

    @pytest.mark.parametrize("posted", [{}, {"switch": "send"}, {"switch": "sent off"}])
    def test_anything_else_is_refused(self, boss: Client, posted: dict[str, str]) -> None:
        assert boss.post(LINK, {"peer": RENDER, **posted}).status_code == 400

    def test_an_unknown_cluster_is_said(self, boss: Client) -> None:
        answer = boss.post(LINK, {"peer": "rendr", "switch": "send off"}, follow=True)
        assert "has no cluster" in answer.content.decode()
        assert not LinkSwitch.objects.exists()

    def test_who_may_not_switch_sees_and_changes_nothing(
        self, staff: Callable[..., Client]
    ) -> None:
        viewer = staff("view_instance")
        assert "send off" not in text(viewer, FLEET)
        assert viewer.post(LINK, {"peer": RENDER, "switch": "send off"}).status_code == 403

    def test_a_cluster_that_does_not_accept_is_marked(self, boss: Client) -> None:
        Peer.objects.update(is_accepting=False)
        raise_version()
        assert "accepts no jobs from here" in text(boss, FLEET)
