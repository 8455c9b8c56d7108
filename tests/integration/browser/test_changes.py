"""Buttons of the browser: each refused without its permission, done, logged and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from offload.fleet import rules
from offload.models import Instance, Job, Rule, Switch
from tests.arranging import arrange, arrange_new
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    running,
    states,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

DESIRED = reverse("admin:offload_instance_desired")
SWITCH = reverse("admin:offload_instance_switch", args=[quote(HERE)])
STOP = reverse("admin:offload_job_stop", args=["the-job"])
MATRIX = reverse("admin:app_list", args=["offload"])
CELL = f"{HERE} {TOPIC}"
HTMX = {"HX-Request": "true"}


def page_of(job_id: str, name: str) -> str:
    """Return an address of a job."""
    return reverse(f"admin:offload_job_{name}", args=[job_id])


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


def told(answer: Any) -> str:
    """Return what a change told."""
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


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


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("allow", [("allow", TOPIC), ("allow", "dam/other"), ("deny", "dam/third")]),
        ("deny", [("allow", "dam/other"), ("deny", TOPIC), ("deny", "dam/third")]),
        ("exclusive", [("allow", TOPIC), ("deny", "dam/third")]),
        ("clear", [("allow", "dam/other"), ("deny", "dam/third")]),
    ],
)
def test_a_cell_changes_the_rules(
    boss: Client, admin: User, verb: str, expected: list[tuple[str, str]]
) -> None:
    rules.deny(HERE, TOPIC)
    rules.allow(HERE, "dam/other")
    rules.deny(HERE, "dam/third")

    boss.post(DESIRED, {verb: CELL})

    found = Rule.objects.filter(target=HERE).values_list("verb", "pattern")
    assert sorted(found) == sorted(expected)


def test_a_cell_says_which_deny_its_allow_replaces(boss: Client) -> None:
    rules.deny(HERE, TOPIC)

    assert "It replaces the deny" in told(boss.post(DESIRED, {"allow": CELL}))


def test_clearing_the_last_allow_says_that_it_opens_the_instance(boss: Client) -> None:
    rules.allow(HERE, TOPIC)
    rules.allow(HERE, "dam/other")

    assert "last allow" not in told(boss.post(DESIRED, {"clear": CELL}))
    assert f"That was the last allow of {HERE}" in told(
        boss.post(DESIRED, {"clear": f"{HERE} dam/other"})
    )


def test_a_new_rule_remembers_who_made_it(boss: Client, admin: User) -> None:
    boss.post(DESIRED, {"deny": CELL})

    assert Rule.objects.get().created_by == admin


def test_a_rule_takes_back_what_has_not_begun(boss: Client) -> None:
    ids = [job.id for job in bound(2)]

    boss.post(DESIRED, {"deny": CELL})

    assert states(ids) == ["PENDING", "PENDING"]


def test_an_instance_is_switched_off_and_on(boss: Client) -> None:
    ids = [job.id for job in bound(2)]

    boss.post(SWITCH, {"switch": "off"})
    assert Switch.objects.filter(pk=HERE).exists()
    assert states(ids) == ["PENDING", "PENDING"]

    boss.post(SWITCH, {"switch": "on"})
    assert not Switch.objects.exists()


def test_a_waiting_job_is_stopped_at_once_and_a_running_one_is_asked(boss: Client) -> None:
    assert "STOPPED" in told(boss.post(STOP))

    arrange_new(
        pk="runs", topic=TOPIC, lane="x||x", state="ACTIVE", instance=HERE, incarnation="i", epoch=1
    )
    answer = boss.post(reverse("admin:offload_job_stop", args=["runs"]))

    assert "was asked to stop" in told(answer)
    assert Job.objects.get(pk="runs").stop_requested


def test_a_job_is_removed_before_it_runs_and_refused_while_it_does(boss: Client) -> None:
    assert told(boss.post(page_of("the-job", "remove"))) == "The job is DROPPED."

    run = running()
    refused = boss.post(page_of(run.id, "remove"))

    assert told(refused).endswith(f"It runs on {HERE}; stop it instead.")
    assert run.row.state == "ACTIVE"


def test_a_stop_by_force_asks_before_it_is_done(boss: Client) -> None:
    run = running()
    page = boss.get(page_of(run.id, "force"))
    assert "Their processes are killed where they run" in page.content.decode()
    assert not run.row.stop_forced

    answer = boss.post(page_of(run.id, "force"))

    assert Job.objects.filter(stop_forced=True).exists()
    assert "Its process is killed by its instance" in told(answer)


def test_a_retry_leads_to_the_new_job_and_the_old_one_names_it(boss: Client) -> None:
    answer: Any = boss.post(page_of("ended", "retry"))

    new = Job.objects.get(retry_of="ended")
    assert answer.url == page_of(new.pk, "change")
    assert "it runs once more what ended did" in told(answer)
    old = boss.get(page_of("ended", "change")).content.decode()
    assert "Retried as" in old
    assert new.pk in old
    assert "Retry again" in old


def test_buttons_are_those_that_would_change_the_job(
    boss: Client, staff: Callable[..., Client]
) -> None:
    def shown(client: Client, job_id: str) -> list[str]:
        content = client.get(page_of(job_id, "change")).content.decode()
        return [name for name in ("stop", "force", "remove", "retry") if f'id="{name}"' in content]

    run = running()
    assert shown(boss, "the-job") == ["stop", "remove"]
    assert shown(boss, run.id) == ["stop", "force"]
    assert shown(boss, "ended") == ["retry"]
    Job.objects.filter(pk=run.id).update(stop_requested=True)
    assert shown(boss, run.id) == ["force"]
    assert shown(staff("view_job"), "the-job") == []


@pytest.mark.parametrize(("state", "shown"), [("SUCCEEDED", True), ("STOPPED", False)])
def test_a_job_that_did_its_work_all_the_same_shows_that_it_was_asked_to_stop(
    boss: Client, state: str, shown: bool
) -> None:
    arrange(Job.objects.filter(pk="ended"), state=state, stop_requested=True)

    content = boss.get(page_of("ended", "change")).content.decode()

    assert ("stop requested" in content) is shown


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

    monkeypatch.setattr("offload.browser.changes.record", fail)

    with pytest.raises(RuntimeError):
        boss.post(DESIRED, {"deny": CELL})
    assert not Rule.objects.exists()


def test_stopping_a_job_that_is_not_there_is_not_found(boss: Client) -> None:
    assert boss.post(reverse("admin:offload_job_stop", args=["nobody"])).status_code == 404


@pytest.mark.parametrize(("target", "scope"), [("render@*", "glob"), ("big", "label")])
def test_exclusive_names_the_rules_that_it_does_not_undo(
    boss: Client, target: str, scope: str
) -> None:
    Instance.objects.filter(pk=HERE).update(labels=["big"])
    rules.allow(target, "dam/**", scope=scope)
    rules.deny(target, TOPIC, scope=scope)

    text = told(boss.post(DESIRED, {"exclusive": CELL}))

    assert f"But allow dam/** on {target} ({scope}) lets it run more" in text
    assert f"But deny {TOPIC} on {target} ({scope}) keeps it from some of that" in text
    assert LogEntry.objects.get().change_message == text


def test_another_instance_is_left_alone(boss: Client) -> None:
    join(THERE)
    rules.allow(THERE, "dam/other")

    boss.post(DESIRED, {"exclusive": CELL})

    assert Rule.objects.filter(target=THERE).count() == 1
    assert Instance.objects.count() == 2
    assert waiting()
