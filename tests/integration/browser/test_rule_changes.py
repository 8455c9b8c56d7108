"""Buttons of the browser: refused without permission; else done, logged and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from offload.models import Job, Rule, Switch
from tests.arranging import arrange_new
from tests.integration.browser.buttons import CELL, DESIRED, STOP, SWITCH, page_of, told
from tests.integration.world import HERE, TOPIC, join, states

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

MATRIX = reverse("admin:app_list", args=["offload"])
HTMX = {"HX-Request": "true"}


class Button(NamedTuple):
    """A button: where it posts, what, and who may press it."""

    address: str
    data: dict[str, str]
    sees: str
    may: str


BUTTONS = {
    "allow": Button(DESIRED, {"allow": CELL}, "view_instance", "change_routing"),
    "deny": Button(DESIRED, {"deny": CELL}, "view_instance", "change_routing"),
    "exclusive": Button(DESIRED, {"exclusive": CELL}, "view_instance", "change_routing"),
    "clear": Button(DESIRED, {"clear": CELL}, "view_instance", "change_routing"),
    "off": Button(SWITCH, {"switch": "off"}, "view_instance", "operate_instance"),
    "on": Button(SWITCH, {"switch": "on"}, "view_instance", "operate_instance"),
    "stop": Button(STOP, {}, "view_job", "operate_job"),
    "force": Button(page_of("the-job", "force"), {}, "view_job", "operate_job"),
    "remove": Button(page_of("the-job", "remove"), {}, "view_job", "operate_job"),
    "retry": Button(page_of("ended", "retry"), {}, "view_job", "operate_job"),
}
every_button = pytest.mark.parametrize("button", BUTTONS.values(), ids=BUTTONS)
PERMISSIONS = ("change_routing", "operate_instance", "operate_job", "manage_queue", "see_payload")


@pytest.fixture(autouse=True)
def _cluster() -> None:
    join()
    Job.objects.create(pk="the-job", topic="dam/stopped", lane="default||dam/stopped")
    arrange_new(pk="ended", topic=TOPIC, lane="x||x", state="GIVEN_UP", finished_at=timezone.now())


@every_button
def test_whoever_may_do_it_does_it_and_it_is_logged(
    button: Button, staff: Callable[..., Client]
) -> None:
    client = staff(button.sees, button.may)

    answer = client.post(button.address, button.data)

    assert answer.status_code == 302
    entry = LogEntry.objects.get()
    assert entry.action_flag == CHANGE
    assert entry.user.username.startswith("staff")
    assert entry.object_id in {HERE, "the-job", "ended"}
    assert entry.change_message
    assert told(answer)


@every_button
def test_whoever_lacks_its_permission_is_refused(
    button: Button, staff: Callable[..., Client]
) -> None:
    others = [one for one in PERMISSIONS if one != button.may]
    client = staff(button.sees, *others)

    assert client.post(button.address, button.data).status_code == 403
    assert not LogEntry.objects.exists()
    assert not Rule.objects.exists()
    assert not Switch.objects.exists()
    assert states(["the-job"]) == ["PENDING"]


@every_button
def test_whoever_may_not_see_the_page_is_refused(
    button: Button, staff: Callable[..., Client]
) -> None:
    assert staff(button.may).post(button.address, button.data).status_code == 403


@every_button
def test_strangers_are_sent_to_the_login_page(button: Button) -> None:
    answer = Client().post(button.address, button.data)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
    assert not Rule.objects.exists()


@every_button
def test_a_form_of_another_site_is_refused(button: Button, admin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)

    assert client.post(button.address, button.data).status_code == 403
    assert not LogEntry.objects.exists()


@every_button
def test_looking_changes_nothing(button: Button, boss: Client) -> None:
    asks = button.address.endswith("/force/")
    assert boss.get(button.address, button.data).status_code == (200 if asks else 405)
    assert not LogEntry.objects.exists()


def test_after_a_change_the_page_is_shown_again(boss: Client) -> None:
    answer = boss.post(DESIRED, {"deny": CELL}, follow=True)

    assert answer.redirect_chain == [(MATRIX, 302)]
    assert f"Denied {TOPIC} on {HERE}." in answer.content.decode()


def test_htmx_gets_the_fragment_and_what_was_done(boss: Client) -> None:
    answer = boss.post(DESIRED, {"deny": CELL}, headers=HTMX)

    content = answer.content.decode()
    assert answer.status_code == 200
    assert content.lstrip().startswith('<div id="ob-live">')
    assert 'hx-swap-oob="innerHTML:#ob-status"' in content
    assert f"Denied {TOPIC} on {HERE}." in content
    assert "<html" not in content


@every_button
def test_htmx_without_a_login_loads_the_login_page_whole(button: Button) -> None:
    answer = Client().post(button.address, button.data, headers=HTMX)

    assert answer.headers["HX-Refresh"] == "true"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"deny": f"{HERE} no//topic"}, "is not a pattern"),
        ({"exclusive": f"{HERE} a*"}, "is not a pattern"),
        ({"allow": f"nobody@nowhere {TOPIC}"}, "There is no instance"),
    ],
)
def test_what_cannot_be_is_told_with_the_next_step(
    boss: Client, data: dict[str, str], problem: str
) -> None:
    plain = boss.post(DESIRED, data)
    htmx = boss.post(DESIRED, data, headers=HTMX)

    assert problem in told(plain)
    assert problem in htmx.content.decode()
    assert not LogEntry.objects.exists()
    assert not Rule.objects.exists()


@pytest.mark.parametrize("data", [{}, {"drop": CELL}, {"allow": CELL, "deny": CELL}])
def test_a_form_of_no_button_is_a_bad_request(boss: Client, data: dict[str, str]) -> None:
    assert boss.post(DESIRED, data).status_code == 400


def test_a_change_that_cannot_be_logged_is_not_made(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no log")

    monkeypatch.setattr("offload.operations.changes.recording.log_for", fail)

    with pytest.raises(RuntimeError):
        boss.post(DESIRED, {"deny": CELL})
    assert not Rule.objects.exists()
