"""What a rule does to others: it replaces them, lets them rest, or opens an instance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offload.fleet.snapshots import snapshot
from offload.models import Rule
from offload.models.versions import raise_version
from offload.rules import editing, enforcement
from tests.integration.rules.runnable import runs
from tests.integration.world import HERE, THERE, TOPIC, bound, join, place, row


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


def test_an_allow_replaces_the_deny_of_the_same_pattern() -> None:
    editing.deny(HERE, TOPIC)
    editing.allow(HERE, TOPIC)

    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


def test_an_allow_list_outlives_the_time_for_which_its_deny_is_lifted() -> None:
    editing.allow(HERE, TOPIC)
    editing.deny(HERE, TOPIC)

    editing.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))
    assert HERE in runs()
    _time_passes()

    assert runs() == [THERE]
    assert runs("dam/meta") == [THERE]


def _time_passes() -> None:
    """Let the end of every rule, and of every rest, have come."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    Rule.objects.exclude(until=None).update(until=past)
    Rule.objects.exclude(rests_until=None).update(rests_until=past)
    raise_version()


def test_a_deny_is_back_when_the_allow_that_lifted_it_for_a_time_ends() -> None:
    editing.deny(HERE, TOPIC, note="broken fan")

    editing.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))

    assert HERE in runs()
    job = bound()[0]

    _time_passes()

    assert runs() == [THERE]
    enforcement.apply(HERE, place().incarnation, snapshot(fresh=True))
    assert row(job.id).state == "PENDING"
    assert Rule.objects.get(verb="deny").note == "broken fan"


def test_a_deny_that_ends_before_the_allow_does_is_replaced_by_it() -> None:
    now = datetime.now(UTC)
    editing.deny(HERE, TOPIC, until=now + timedelta(minutes=10))

    editing.allow(HERE, TOPIC, until=now + timedelta(minutes=30))

    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


UNDO: dict[str, Any] = {
    "clearing it": lambda allow: editing.remove([allow]),
    "a deny": lambda allow: editing.deny(HERE, TOPIC),
    "another allow list": lambda allow: editing.exclusive(HERE, ["dam/meta"]),
    "deleting its row": lambda allow: (allow.delete(), enforcement.enforce()),
}


@pytest.mark.parametrize("undo", UNDO.values(), ids=UNDO)
def test_a_deny_is_back_at_once_where_the_allow_goes_before_its_end(undo: Any) -> None:
    editing.deny(HERE, TOPIC)
    allow = editing.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))
    job = bound()[0]

    undo(allow)

    assert row(job.id).state == "PENDING"
    assert runs() == [THERE]


def test_a_deny_rests_as_long_as_the_allow_lasts_that_is_written_anew() -> None:
    editing.deny(HERE, TOPIC)
    later = datetime.now(UTC) + timedelta(hours=2)
    editing.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))

    editing.allow(HERE, TOPIC, until=later)
    assert Rule.objects.get(verb="deny").rests_until == later

    editing.allow(HERE, TOPIC)
    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


def test_clearing_the_last_allow_names_whom_it_opens() -> None:
    editing.allow(HERE, TOPIC)
    editing.allow("gpu", "dam/meta", scope="label")
    editing.deny(HERE, "dam/old")

    assert editing.clear(HERE, "dam/old").opened == ()
    assert editing.clear(HERE, TOPIC).opened == ()
    assert editing.clear("gpu", "dam/meta", scope="label").opened == (HERE,)


def test_clearing_an_allow_that_has_ended_opens_nobody() -> None:
    editing.allow(HERE, TOPIC, until=datetime.now(UTC) - timedelta(seconds=1))

    assert editing.clear(HERE, TOPIC).opened == ()


OTHERS = {
    "glob": ("*@gpu1", "glob"),
    "label": ("gpu", "label"),
}


@pytest.mark.parametrize(("target", "scope"), OTHERS.values(), ids=OTHERS)
def test_exclusive_names_the_rules_of_many_that_let_it_run_more(target: str, scope: str) -> None:
    wide = editing.allow(target, "dam/**", scope=scope)
    editing.allow(target, "audio/mix", scope=scope)

    made = editing.exclusive(HERE, ["audio/*"])

    assert (made.widened_by, made.narrowed_by) == ((wide,), ())
    assert runs() == [HERE, THERE]

    editing.clear(target, "dam/**", scope=scope)

    assert editing.exclusive(HERE, ["audio/*"]).widened_by == ()
    assert runs() == [THERE]


@pytest.mark.parametrize(
    ("target", "scope"), [*OTHERS.values(), (HERE, "instance")], ids=[*OTHERS, "instance"]
)
def test_exclusive_names_the_rules_that_deny_some_of_it(target: str, scope: str) -> None:
    deny = editing.deny(target, TOPIC, scope=scope)
    editing.deny(target, "audio/mix", scope=scope)
    editing.deny("*@elsewhere", "**", scope="glob")

    made = editing.exclusive(HERE, ["dam/**"])

    assert (made.widened_by, made.narrowed_by) == ((), (deny,))


def test_exclusive_names_the_globs_for_an_instance_that_never_was_here() -> None:
    wide = editing.allow("*@later", "**", scope="glob")

    assert editing.exclusive("render@later", [TOPIC]).widened_by == (wide,)


@pytest.mark.parametrize("odd", [{"scope": "zone"}, {"pattern": "a/**/b"}])
def test_a_row_that_is_no_rule_keeps_nobody_from_changing_others(odd: dict[str, str]) -> None:
    deny = editing.deny(HERE, "dam/meta")
    Rule.objects.create(**{"verb": "deny", "target": HERE, "pattern": TOPIC, **odd})

    made = editing.exclusive(HERE, ["dam/**"])

    assert made.narrowed_by == (deny,)
    assert [one.pattern for one in made.rules] == ["dam/**"]
