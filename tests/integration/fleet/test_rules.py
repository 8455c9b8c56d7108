"""Rules act at once: the unstarted jobs they forbid are taken back with the rule itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from offload.core.exceptions import InvalidPattern, InvalidRule, UnknownInstance
from offload.dispatch import dispatching
from offload.fleet import rule_enforcement, rules
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Rule, Switch
from offload.models.versions import current_version, raise_version
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    place,
    row,
    running,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


def _runs(topic: str = TOPIC) -> list[str]:
    """Return where a new job of a topic would be bound, over a fresh topology."""
    snapshot(fresh=True)
    ids = waiting(20, topic=topic)
    dispatching.sweep()
    found = {row(job_id).instance for job_id in ids} - {""}
    Job.objects.ids(ids).delete()
    return sorted(found)


def test_a_deny_takes_back_what_has_not_begun_there_and_leaves_the_rest() -> None:
    run, queued = running(), bound()[0]
    elsewhere, other = bound(name=THERE)[0], bound(topic="dam/meta")[0]
    before = current_version()

    rules.deny(HERE, "dam/rendition/*", note="broken fan")

    assert states([queued.id, run.id, elsewhere.id, other.id]) == [
        "PENDING", "ACTIVE", "QUEUED", "QUEUED",
    ]  # fmt: skip
    assert current_version() > before
    assert _runs() == [THERE]


def test_a_rule_and_its_recall_happen_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = bound()[0]
    before = current_version()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no recall")

    monkeypatch.setattr("offload.tracking.requeue.recall_from", fail)
    with pytest.raises(RuntimeError):
        rules.deny(HERE, "**")

    assert not Rule.objects.exists()
    assert current_version() == before
    assert row(job.id).state == "QUEUED"


def test_an_instance_with_an_allow_rule_may_do_nothing_else() -> None:
    job = bound()[0]

    rules.allow(HERE, "dam/meta")

    assert row(job.id).state == "PENDING"
    assert _runs() == [THERE]
    assert _runs("dam/meta") == [HERE, THERE]


def test_a_deny_beats_an_allow_however_specific() -> None:
    rules.allow(HERE, TOPIC)
    rules.deny("*@gpu1", "dam/**", scope="glob")

    assert _runs() == [THERE]


def test_a_deny_that_ended_leaves_the_allow_list_as_it_was() -> None:
    rules.allow(HERE, TOPIC)

    rules.deny(HERE, TOPIC, until=datetime.now(UTC) - timedelta(seconds=1))

    assert HERE in _runs()
    assert _runs("dam/meta") == [THERE]


def test_an_allow_replaces_the_deny_of_the_same_pattern() -> None:
    rules.deny(HERE, TOPIC)
    rules.allow(HERE, TOPIC)

    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


def test_an_allow_list_outlives_the_time_for_which_its_deny_is_lifted() -> None:
    rules.allow(HERE, TOPIC)
    rules.deny(HERE, TOPIC)

    rules.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))
    assert HERE in _runs()
    _time_passes()

    assert _runs() == [THERE]
    assert _runs("dam/meta") == [THERE]


def _time_passes() -> None:
    """Let the end of every rule, and of every rest, have come."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    Rule.objects.exclude(until=None).update(until=past)
    Rule.objects.exclude(rests_until=None).update(rests_until=past)
    raise_version()


def test_a_deny_is_back_when_the_allow_that_lifted_it_for_a_time_ends() -> None:
    rules.deny(HERE, TOPIC, note="broken fan")

    rules.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))

    assert HERE in _runs()
    job = bound()[0]

    _time_passes()

    assert _runs() == [THERE]
    rule_enforcement.apply(HERE, place().incarnation, snapshot(fresh=True))
    assert row(job.id).state == "PENDING"
    assert Rule.objects.get(verb="deny").note == "broken fan"


def test_a_deny_that_ends_before_the_allow_does_is_replaced_by_it() -> None:
    now = datetime.now(UTC)
    rules.deny(HERE, TOPIC, until=now + timedelta(minutes=10))

    rules.allow(HERE, TOPIC, until=now + timedelta(minutes=30))

    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


UNDO: dict[str, Any] = {
    "clearing it": lambda allow: rules.remove([allow]),
    "a deny": lambda allow: rules.deny(HERE, TOPIC),
    "another allow list": lambda allow: rules.exclusive(HERE, ["dam/meta"]),
    "deleting its row": lambda allow: (allow.delete(), rule_enforcement.enforce()),
}


@pytest.mark.parametrize("undo", UNDO.values(), ids=UNDO)
def test_a_deny_is_back_at_once_where_the_allow_goes_before_its_end(undo: Any) -> None:
    rules.deny(HERE, TOPIC)
    allow = rules.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))
    job = bound()[0]

    undo(allow)

    assert row(job.id).state == "PENDING"
    assert _runs() == [THERE]


def test_a_deny_rests_as_long_as_the_allow_lasts_that_is_written_anew() -> None:
    rules.deny(HERE, TOPIC)
    later = datetime.now(UTC) + timedelta(hours=2)
    rules.allow(HERE, TOPIC, until=datetime.now(UTC) + timedelta(minutes=30))

    rules.allow(HERE, TOPIC, until=later)
    assert Rule.objects.get(verb="deny").rests_until == later

    rules.allow(HERE, TOPIC)
    assert [rule.verb for rule in Rule.objects.all()] == ["allow"]


@pytest.mark.parametrize("verb", [rules.allow, rules.deny])
def test_a_rule_keeps_its_note_and_its_maker_unless_they_are_given_anew(verb: Any) -> None:
    ada = User(pk=7)
    verb(HERE, TOPIC, note="broken fan", by=ada)
    until = datetime.now(UTC) + timedelta(hours=1)

    rule = verb(HERE, TOPIC, until=until)

    assert (rule.note, rule.until, rule.created_by_id) == ("broken fan", until, 7)
    assert verb(HERE, TOPIC, note="").note == ""


def test_an_allow_list_keeps_its_notes_unless_they_are_given_anew() -> None:
    rules.exclusive(HERE, [TOPIC], note="licence")

    (rule, other) = rules.exclusive(HERE, [TOPIC, "dam/meta"]).rules

    assert (rule.note, other.note) == ("licence", "")


def test_a_switch_keeps_its_note_unless_it_is_given_anew() -> None:
    rules.switch(HERE, off=True, note="disk")
    rules.switch(HERE, off=True)
    assert Switch.objects.get().note == "disk"

    rules.switch(HERE, off=True, note="")
    assert Switch.objects.get().note == ""


def test_clearing_the_last_allow_names_whom_it_opens() -> None:
    rules.allow(HERE, TOPIC)
    rules.allow("gpu", "dam/meta", scope="label")
    rules.deny(HERE, "dam/old")

    assert rules.clear(HERE, "dam/old").opened == ()
    assert rules.clear(HERE, TOPIC).opened == ()
    assert rules.clear("gpu", "dam/meta", scope="label").opened == (HERE,)


def test_clearing_an_allow_that_has_ended_opens_nobody() -> None:
    rules.allow(HERE, TOPIC, until=datetime.now(UTC) - timedelta(seconds=1))

    assert rules.clear(HERE, TOPIC).opened == ()


def test_the_same_rule_again_is_the_rule_with_its_new_options() -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    rules.deny(HERE, TOPIC)

    rule = rules.deny(HERE, TOPIC, until=until, note="for an hour")

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

    rules.deny(target, "**", scope=scope)

    bound_to = [name for name, job in ((HERE, here), (THERE, there)) if row(job.id).instance]
    assert bound_to == left
    assert _runs() == left


def test_exclusive_makes_an_allow_list_of_one_instance_and_leaves_the_others() -> None:
    rules.allow(HERE, "old/*")
    rules.deny(HERE, "dam/meta")
    rules.allow(THERE, "dam/**")
    job = bound(name=THERE)[0]

    rules.exclusive(HERE, ["dam/meta", "dam/video"])

    mine = Rule.objects.filter(target=HERE).values_list("verb", "pattern")
    assert set(mine) == {("allow", "dam/meta"), ("allow", "dam/video")}
    assert row(job.id).state == "QUEUED"
    assert _runs() == [THERE]


OTHERS = {
    "glob": ("*@gpu1", "glob"),
    "label": ("gpu", "label"),
}


@pytest.mark.parametrize(("target", "scope"), OTHERS.values(), ids=OTHERS)
def test_exclusive_names_the_rules_of_many_that_let_it_run_more(target: str, scope: str) -> None:
    wide = rules.allow(target, "dam/**", scope=scope)
    rules.allow(target, "audio/mix", scope=scope)

    made = rules.exclusive(HERE, ["audio/*"])

    assert (made.widened_by, made.narrowed_by) == ((wide,), ())
    assert _runs() == [HERE, THERE]

    rules.clear(target, "dam/**", scope=scope)

    assert rules.exclusive(HERE, ["audio/*"]).widened_by == ()
    assert _runs() == [THERE]


@pytest.mark.parametrize(
    ("target", "scope"), [*OTHERS.values(), (HERE, "instance")], ids=[*OTHERS, "instance"]
)
def test_exclusive_names_the_rules_that_deny_some_of_it(target: str, scope: str) -> None:
    deny = rules.deny(target, TOPIC, scope=scope)
    rules.deny(target, "audio/mix", scope=scope)
    rules.deny("*@elsewhere", "**", scope="glob")

    made = rules.exclusive(HERE, ["dam/**"])

    assert (made.widened_by, made.narrowed_by) == ((), (deny,))


def test_exclusive_names_the_globs_for_an_instance_that_never_was_here() -> None:
    wide = rules.allow("*@later", "**", scope="glob")

    assert rules.exclusive("render@later", [TOPIC]).widened_by == (wide,)


def test_clearing_a_rule_lets_its_jobs_run_again() -> None:
    rules.deny(HERE, "**")
    rules.deny(THERE, "**")
    assert _runs() == []

    waiting(9)

    assert rules.clear(HERE, "**").count == 1
    assert rules.clear(HERE, "**").count == 0

    snapshot(fresh=True)
    assert dispatching.sweep() == place().window


def test_a_rule_ends_by_itself() -> None:
    now = datetime.now(UTC)
    rules.deny(HERE, "**", until=now + timedelta(hours=1))
    rules.deny(THERE, "**", until=now - timedelta(seconds=1))

    assert _runs() == [THERE]


def test_an_instance_is_switched_off_and_on_as_a_whole() -> None:
    run, queued = running(), bound()[0]

    rules.switch(HERE, off=True, note="being moved")

    assert states([run.id, queued.id]) == ["ACTIVE", "PENDING"]
    assert Switch.objects.get().note == "being moved"
    assert _runs() == [THERE]

    rules.switch(HERE, off=False)

    assert not Switch.objects.exists()
    assert HERE in _runs()


def test_an_instance_that_nobody_knows_cannot_be_switched() -> None:
    with pytest.raises(UnknownInstance):
        rules.switch("nobody@nowhere", off=True)


VERBS: dict[str, Any] = {
    "allow": lambda: rules.allow(HERE, "dam//x"),
    "deny": lambda: rules.deny(HERE, "*/web"),
    "clear": lambda: rules.clear(HERE, ""),
    "exclusive": lambda: rules.exclusive(HERE, ["dam/**", "a/**/b"]),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_pattern_that_is_none_changes_nothing(verb: Any) -> None:
    rules.allow(HERE, "old/*")
    before = current_version()

    with pytest.raises(InvalidPattern):
        verb()

    assert [rule.pattern for rule in Rule.objects.all()] == ["old/*"]
    assert current_version() == before


LONG = "x" * 256
IMPOSSIBLE: dict[str, Any] = {
    "long target": lambda: rules.deny(LONG, TOPIC),
    "long label": lambda: rules.allow(LONG, TOPIC, scope="label"),
    "long name of an exclusive": lambda: rules.exclusive(LONG, [TOPIC]),
    "long note": lambda: rules.deny(HERE, TOPIC, note=LONG),
    "long note of an exclusive": lambda: rules.exclusive(HERE, [TOPIC], note=LONG),
    "long note of a switch": lambda: rules.switch(HERE, off=True, note=LONG),
    "no target": lambda: rules.deny("", TOPIC),
    "no such scope": lambda: rules.deny(HERE, TOPIC, scope="host"),
    "glob as a nodename": lambda: rules.deny("*@gpu1", TOPIC),
    "NUL in a target": lambda: rules.deny("render\0@gpu1", TOPIC),
    "NUL in a note": lambda: rules.deny(HERE, TOPIC, note="\0"),
    "NUL in what is cleared": lambda: rules.clear("\0", TOPIC),
    "NUL in a switch": lambda: rules.switch("\0", off=True),
}


@pytest.mark.parametrize("verb", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_rule_that_cannot_be_kept_is_refused_with_words_and_changes_nothing(verb: Any) -> None:
    rules.allow(HERE, "old/*")
    before = current_version()

    with pytest.raises(InvalidRule, match="Nothing was changed"):
        verb()

    assert [rule.pattern for rule in Rule.objects.all()] == ["old/*"]
    assert not Switch.objects.exists()
    assert current_version() == before


def test_an_instance_gives_back_what_rules_forbid_and_announces_them() -> None:
    queued, other = bound()[0], bound(topic="dam/meta")[0]
    Rule.objects.create(verb="deny", scope="instance", target=HERE, pattern=TOPIC)

    rule_enforcement.apply(HERE, place().incarnation, snapshot(fresh=True))

    assert states([queued.id, other.id]) == ["PENDING", "QUEUED"]
    applied = Instance.objects.get(pk=HERE).applied
    assert applied == {"version": current_version(), "off": False, "rules": [["deny", TOPIC, None]]}


def test_an_instance_that_drains_gives_back_what_has_not_begun() -> None:
    run, queued = running(), bound()[0]

    assert rule_enforcement.give_back_unbegun(HERE, place().incarnation) == 1

    assert states([run.id, queued.id]) == ["ACTIVE", "PENDING"]
