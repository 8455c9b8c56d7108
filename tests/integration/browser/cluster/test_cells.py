"""Buttons of a cell and of an instance change the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from offload.models import Instance, Job, Rule, Switch
from offload.rules import editing
from tests.arranging import arrange_new
from tests.integration.browser.buttons import CELL, DESIRED, SWITCH, told
from tests.integration.world import HERE, THERE, TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


@pytest.fixture(autouse=True)
def _cluster() -> None:
    join()
    Job.objects.create(pk="the-job", topic="dam/stopped", lane="default||dam/stopped")
    arrange_new(pk="ended", topic=TOPIC, lane="x||x", state="GIVEN_UP", finished_at=timezone.now())


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
    editing.deny(HERE, TOPIC)
    editing.allow(HERE, "dam/other")
    editing.deny(HERE, "dam/third")

    boss.post(DESIRED, {verb: CELL})

    found = Rule.objects.filter(target=HERE).values_list("verb", "pattern")
    assert sorted(found) == sorted(expected)


def test_a_cell_says_which_deny_its_allow_replaces(boss: Client) -> None:
    editing.deny(HERE, TOPIC)

    told_of = told(boss.post(DESIRED, {"allow": CELL}))

    assert f"It replaces: deny {TOPIC} on {HERE}." in told_of


def test_clearing_the_last_allow_says_that_it_opens_the_instance(boss: Client) -> None:
    editing.allow(HERE, TOPIC)
    editing.allow(HERE, "dam/other")

    assert "last allow" not in told(boss.post(DESIRED, {"clear": CELL}))
    assert f"Without its last allow, {HERE} may run everything" in told(
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


@pytest.mark.parametrize(("target", "scope"), [("render@*", "glob"), ("big", "label")])
def test_exclusive_names_the_rules_that_it_does_not_undo(
    boss: Client, target: str, scope: str
) -> None:
    Instance.objects.filter(pk=HERE).update(labels=["big"])
    editing.allow(target, "dam/**", scope=scope)
    editing.deny(target, TOPIC, scope=scope)

    text = told(boss.post(DESIRED, {"exclusive": CELL}))

    assert f"But allow dam/** on {target} ({scope}) lets it run more." in text
    assert f"But deny {TOPIC} on {target} ({scope}) keeps it from some of that." in text
    assert LogEntry.objects.get().change_message == text


def test_another_instance_is_left_alone(boss: Client) -> None:
    join(THERE)
    editing.allow(THERE, "dam/other")

    boss.post(DESIRED, {"exclusive": CELL})

    assert Rule.objects.filter(target=THERE).count() == 1
    assert Instance.objects.count() == 2
    assert waiting()
