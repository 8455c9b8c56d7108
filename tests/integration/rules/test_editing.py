"""Rules: whom they reach, what they keep, and how long they last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from offload.models import Rule, Switch
from offload.rules import editing, switching
from tests.integration.rules.runnable import runs
from tests.integration.world import HERE, THERE, TOPIC, bound, join, row


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


def test_a_deny_beats_an_allow_however_specific() -> None:
    editing.allow(HERE, TOPIC)
    editing.deny("*@gpu1", "dam/**", scope="glob")

    assert runs() == [THERE]


def test_a_deny_that_ended_leaves_the_allow_list_as_it_was() -> None:
    editing.allow(HERE, TOPIC)

    editing.deny(HERE, TOPIC, until=datetime.now(UTC) - timedelta(seconds=1))

    assert HERE in runs()
    assert runs("dam/meta") == [THERE]


@pytest.mark.parametrize("verb", [editing.allow, editing.deny])
def test_a_rule_keeps_its_note_and_its_maker_unless_they_are_given_anew(verb: Any) -> None:
    ada = User(pk=7)
    verb(HERE, TOPIC, note="broken fan", by=ada)
    until = datetime.now(UTC) + timedelta(hours=1)

    rule = verb(HERE, TOPIC, until=until)

    assert (rule.note, rule.until, rule.created_by_id) == ("broken fan", until, 7)
    assert verb(HERE, TOPIC, note="").note == ""


def test_an_allow_list_keeps_its_notes_unless_they_are_given_anew() -> None:
    editing.exclusive(HERE, [TOPIC], note="licence")

    (rule, other) = editing.exclusive(HERE, [TOPIC, "dam/meta"]).rules

    assert (rule.note, other.note) == ("licence", "")


def test_a_switch_keeps_its_note_unless_it_is_given_anew() -> None:
    switching.switch(HERE, off=True, note="disk")
    switching.switch(HERE, off=True)
    assert Switch.objects.get().note == "disk"

    switching.switch(HERE, off=True, note="")
    assert Switch.objects.get().note == ""


def test_the_same_rule_again_is_the_rule_with_its_new_options() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    editing.deny(HERE, TOPIC)

    rule = editing.deny(HERE, TOPIC, until=until, note="for an hour")

    assert Rule.objects.get() == rule
    assert (rule.until, rule.note) == (until, "for an hour")


SCOPES = {
    "glob of both": ("render@*", "glob", []),
    "glob of one": ("*@gpu1", "glob", [THERE]),
    "label": ("gpu", "label", [THERE]),
    "label of nobody": ("cpu", "label", [HERE, THERE]),
}


@pytest.mark.parametrize(("target", "scope", "left"), SCOPES.values(), ids=SCOPES)
def test_a_rule_reaches_whom_it_names(target: str, scope: str, left: list[str]) -> None:
    here, there = bound()[0], bound(name=THERE)[0]

    editing.deny(target, "**", scope=scope)

    bound_to = [name for name, job in ((HERE, here), (THERE, there)) if row(job.id).instance]
    assert bound_to == left
    assert runs() == left


def test_exclusive_makes_an_allow_list_of_one_instance_and_leaves_the_others() -> None:
    editing.allow(HERE, "old/*")
    editing.deny(HERE, "dam/meta")
    editing.allow(THERE, "dam/**")
    job = bound(name=THERE)[0]

    editing.exclusive(HERE, ["dam/meta", "dam/video"])

    mine = Rule.objects.filter(target=HERE).values_list("verb", "pattern")
    assert set(mine) == {("allow", "dam/meta"), ("allow", "dam/video")}
    assert row(job.id).state == "QUEUED"
    assert runs() == [THERE]


def test_a_rule_ends_by_itself() -> None:
    now = datetime.now(UTC)
    editing.deny(HERE, "**", until=now + timedelta(hours=1))
    editing.deny(THERE, "**", until=now - timedelta(seconds=1))

    assert runs() == [THERE]
