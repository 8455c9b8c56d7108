"""Requests to other clusters on the pages of the matrix and of the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from offload.core.peers.rule_requests import RequestRefusal, RequestState
from offload.models import ChangeRecord, Peer, PeerRequest, Rule
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from tests.integration.browser.pages import FLEET, FLEET_NOW, MATRIX, apply, text, version
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

THERE = f"{RENDER}/{HERE}"
DESIRED = reverse("admin:offload_instance_desired")
ASK = reverse("admin:offload_instance_ask")
WITHDRAW = reverse("admin:offload_instance_withdraw")


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
            instances=[instance(HERE)],
        )
        raise_version()
        apply()
        yield made


def lets_rule(*, lets: bool) -> None:
    Peer.objects.update(lets_rule=lets)
    raise_version()


@pytest.mark.parametrize("verb", ["allow", "deny", "exclusive", "clear"])
def test_a_cell_of_another_cluster_has_buttons_that_ask(verb: str, boss: Client) -> None:
    assert f'name="{verb}" value="{THERE} render/*"' in boss.get(MATRIX).content.decode()
    assert "ask render:" in text(boss, MATRIX)

    boss.post(DESIRED, {verb: f"{THERE} render/*"})

    row = PeerRequest.objects.get()
    assert (row.action, row.peer, row.instance, row.by) == (verb, RENDER, HERE, "admin")
    assert row.patterns == ["render/*"]
    assert not Rule.objects.exists()
    assert f"{verb} requested, by admin" in text(boss, MATRIX)
    assert ChangeRecord.objects.get().action == f"ask {verb}"


def test_no_button_is_shown_that_would_be_refused(boss: Client) -> None:
    lets_rule(lets=False)
    for page in (MATRIX, FLEET):
        shown = boss.get(page).content.decode()
        assert f" {THERE}" not in "".join(one for one in shown.splitlines() if "<button" in one)
        assert "ask render:" not in shown
    answer = boss.post(DESIRED, {"deny": f"{THERE} render/*"}, follow=True)
    assert "does not let this cluster change its rules" in answer.content.decode()
    assert not PeerRequest.objects.exists()


@pytest.mark.parametrize("is_off", [True, False])
def test_an_instance_of_another_cluster_is_switched_by_a_request(
    boss: Client, *, is_off: bool
) -> None:
    Peer.objects.update(instances=[instance(HERE, off=is_off)])
    raise_version()
    action = "on" if is_off else "off"
    assert f'value="{action} {THERE}"' in boss.get(FLEET).content.decode()
    first = version(boss.get(FLEET).content)

    boss.post(ASK, {"ask": f"{action} {THERE}"})

    assert PeerRequest.objects.get().action == action
    assert boss.get(FLEET_NOW, {"v": first}).status_code == 200
    shown = text(boss, FLEET)
    assert "Requests to render" in shown
    assert f"{action} {THERE} ◌ requested" in shown


def test_what_came_of_a_request_is_shown_with_the_reason(boss: Client) -> None:
    boss.post(ASK, {"ask": f"off {THERE}"})
    refused = {"state": RequestState.REFUSED, "refusal": RequestRefusal.UNKNOWN_INSTANCE}
    PeerRequest.objects.update(**refused, answered_at=DatabaseNow())
    assert "refused No instance of that name ever was there. admin" in text(boss, FLEET)
    applied = {"state": RequestState.APPLIED, "version": 7}
    PeerRequest.objects.update(**applied)
    assert " applied admin" in text(boss, FLEET)
    Peer.objects.update(instances=[instance(HERE, applied={"version": 7})])
    assert "applied and confirmed admin" in text(boss, FLEET)


def test_an_open_request_is_withdrawn_by_its_button(boss: Client) -> None:
    boss.post(ASK, {"ask": f"off {THERE}"})
    number = PeerRequest.objects.get().pk
    assert f'id="withdraw-{number}"' in boss.get(FLEET).content.decode()

    headers = {"HX-Request": "true"}
    answer = boss.post(WITHDRAW, {"number": number}, headers=headers).content.decode()

    assert f"Request {number} by admin was withdrawn by admin" in answer
    assert PeerRequest.objects.get().state == RequestState.WITHDRAWN
    assert f'id="withdraw-{number}"' not in answer
    again = boss.post(WITHDRAW, {"number": number}, follow=True).content.decode()
    assert f"Request {number} is withdrawn already" in again


@pytest.mark.parametrize(
    ("address", "posted"),
    [
        (ASK, {}),
        (ASK, {"ask": f"deny {THERE}"}),
        (WITHDRAW, {}),
        (WITHDRAW, {"number": "x"}),
        (WITHDRAW, {"number": "9" * 19}),
    ],
)
def test_anything_else_is_refused(address: str, posted: dict[str, str], boss: Client) -> None:
    assert boss.post(address, posted).status_code == 400


def test_an_own_instance_is_no_cluster_to_ask(boss: Client) -> None:
    answer = boss.post(ASK, {"ask": f"off {HERE}"}, follow=True)
    assert "has no cluster" in answer.content.decode()


def test_who_may_not_change_rules_sees_and_asks_nothing(staff: Callable[..., Client]) -> None:
    viewer = staff("view_instance")
    assert "ask to switch" not in text(viewer, FLEET)
    assert "ask render:" not in text(viewer, MATRIX)
    assert viewer.post(ASK, {"ask": f"off {THERE}"}).status_code == 403
    assert viewer.post(DESIRED, {"deny": f"{THERE} render/*"}).status_code == 403
    assert viewer.post(WITHDRAW, {"number": "1"}).status_code == 403
