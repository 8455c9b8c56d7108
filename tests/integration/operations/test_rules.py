"""Rules written, edited and cleared: previewed, applied, and refused in the same words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.exceptions import InvalidPattern, InvalidRule, UnknownRule
from offload.core.placement.comparison import Permission
from offload.core.placement.topology import RuleVerb
from offload.fleet.snapshots import now
from offload.models import Rule
from offload.models.change_records import Entrance
from offload.models.versions import current_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.rules import (
    ClearRules,
    EditRule,
    MakeExclusive,
    RemoveRules,
    WriteRules,
)
from offload.rules import editing
from tests.integration.world import HERE, THERE, TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.operations.changes.change import Change
    from offload.operations.changes.rules import RulesOutcome

    Asked = Change[RulesOutcome]

ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)
ALLOW, DENY = RuleVerb.ALLOW, RuleVerb.DENY
BEYOND = "x" * 256


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def written() -> list[tuple[Any, ...]]:
    """Return the rules there are."""
    return sorted(Rule.objects.values_list("verb", "scope", "target", "pattern"))


def deny(*patterns: str, **facts: Any) -> WriteRules:
    """Return the wish to deny patterns."""
    return WriteRules(verb=DENY, target=HERE, patterns=patterns or (TOPIC,), **facts)


def allow(*patterns: str, **facts: Any) -> WriteRules:
    """Return the wish to allow patterns."""
    return WriteRules(verb=ALLOW, target=HERE, patterns=patterns or (TOPIC,), **facts)


def edit(rule: Rule, **facts: Any) -> EditRule:
    """Return the wish to change a rule."""
    names = ("scope", "target", "pattern", "until", "note")
    usual = {name: getattr(rule, name) for name in names}
    return EditRule(rule_id=rule.pk, **{"verb": RuleVerb(rule.verb), **usual, **facts})


#: Each begins with an allow of TOPIC, a deny of dam/print, and a deny of dam/** for a glob.
WISHES: dict[str, Callable[[], Asked]] = {
    "deny": lambda: deny(TOPIC, "audio/*", note="disk"),
    "allow in place of a deny": lambda: allow("dam/print"),
    "allow for a time": lambda: allow("dam/print", until=now() + timedelta(hours=1)),
    "exclusive": lambda: MakeExclusive(instance=HERE, patterns=("dam/print",), note="licence"),
    "edit": lambda: edit(Rule.objects.get(pattern="dam/**"), pattern="audio/*"),
    "clear": lambda: ClearRules(target=HERE, patterns=(TOPIC, "dam/print")),
    "clear nothing": lambda: ClearRules(target=HERE, patterns=("dam/none",)),
    "remove": lambda: RemoveRules(ids=tuple(Rule.objects.values_list("pk", flat=True))),
}


@pytest.fixture
def _rules() -> None:
    editing.allow(HERE, TOPIC)
    editing.deny(HERE, "dam/print", note="no ink")
    editing.deny("*@elsewhere", "dam/**", scope="glob")


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_a_preview_changes_nothing_and_says_what_the_change_comes_to(
    wish: Callable[[], Asked],
) -> None:
    ids = [job.id for job in bound(2)]
    change, before, version = wish(), written(), current_version()

    found = change.preview()

    assert (written(), current_version()) == (before, version)
    assert states(ids) == ["QUEUED", "QUEUED"]
    outcome = change.apply(ANNA)
    assert outcome.text == found.outcome.text
    assert outcome.recalled == found.outcome.recalled
    assert outcome.reached == found.outcome.reached
    assert (written() == before) is (not outcome.written and not outcome.removed)


@pytest.mark.usefixtures("_rules")
@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("deny", f"Denied {TOPIC}, audio/* on {HERE}: disk."),
        (
            "allow in place of a deny",
            f"Allowed dam/print on {HERE}. It replaces: deny dam/print on {HERE}: no ink.",
        ),
        (
            "exclusive",
            f"The allow list of {HERE} is now dam/print alone: licence. It replaces: allow {TOPIC} "
            f"on {HERE}. It replaces: deny dam/print on {HERE}: no ink.",
        ),
        ("edit", "Changed a rule to deny audio/* on *@elsewhere (glob)."),
        (
            "clear",
            f"Cleared the rules deny dam/print on {HERE}, allow {TOPIC} on {HERE}. Without its "
            f"last allow, {HERE} may run everything that no deny forbids.",
        ),
        ("clear nothing", f"There is no rule for dam/none on {HERE}."),
    ],
)
def test_it_says_what_was_done_and_what_it_means(wish: str, text: str) -> None:
    assert WISHES[wish]().apply(ANNA).text == text


def test_a_deny_is_previewed_with_whom_it_keeps_waiting() -> None:
    ids = [job.id for job in bound(2)]
    waiting(3)
    waiting(topic="audio/mix")

    found = deny().preview()

    assert found.permissions.closed == (Permission(HERE, TOPIC),)
    assert found.permissions.stranded == (TOPIC,)
    assert (found.waiting, found.outcome.recalled) == (3, 2)
    assert states(ids) == ["QUEUED", "QUEUED"]


def test_the_first_allow_is_previewed_with_all_that_it_closes() -> None:
    join(THERE)
    waiting(2)

    found = allow("dam/print").preview()

    assert found.permissions.closed == (Permission(HERE, "dam/**"), Permission(HERE, TOPIC))
    assert found.permissions.stranded == ()
    assert found.waiting == 2


def test_clearing_a_deny_is_previewed_with_what_it_opens() -> None:
    editing.deny(HERE, "dam/**")
    waiting(2)

    found = ClearRules(target=HERE, patterns=("dam/**",)).preview()

    assert found.permissions.opened == (Permission(HERE, "dam/**"), Permission(HERE, TOPIC))
    assert found.waiting == 2


REFUSED: dict[str, tuple[Callable[[], Asked], type[Exception], str]] = {
    "pattern": (lambda: deny("a//b"), InvalidPattern, "a segment is empty"),
    "no pattern": (
        lambda: WriteRules(verb=DENY, target=HERE, patterns=()),
        InvalidRule,
        "There is no pattern",
    ),
    "exclusive of nothing": (
        lambda: MakeExclusive(instance=HERE, patterns=()),
        InvalidRule,
        "There is no pattern",
    ),
    "clear of nothing": (
        lambda: ClearRules(target=HERE, patterns=()),
        InvalidRule,
        "There is no pattern",
    ),
    "target": (
        lambda: WriteRules(verb=ALLOW, target="", patterns=(TOPIC,)),
        InvalidRule,
        "cannot be blank",
    ),
    "glob": (
        lambda: ClearRules(target="render@*", patterns=(TOPIC,)),
        InvalidRule,
        "choose the scope glob",
    ),
    "scope": (lambda: deny(scope="host"), InvalidRule, "not a valid choice"),
    "note": (lambda: allow(note=BEYOND), InvalidRule, "at most 255 characters"),
    "end": (lambda: deny(until=now()), InvalidRule, "This has passed"),
    "id": (lambda: RemoveRules(ids=(0,)), UnknownRule, "There is no rule 0"),
    "edit of none": (
        lambda: edit(Rule(pk=0, verb="deny", target=HERE, pattern=TOPIC)),
        UnknownRule,
        "There is no rule 0",
    ),
    "edit to another's": (
        lambda: edit(editing.deny(HERE, "b"), pattern="kept/*"),
        InvalidRule,
        "This rule exists already",
    ),
}


@pytest.mark.parametrize(("wish", "kind", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_by_preview_and_change_in_the_same_words(
    wish: Callable[[], Asked], kind: type[Exception], problem: str
) -> None:
    editing.deny(HERE, "kept/*")
    change = wish()
    before = written()

    with pytest.raises(kind, match=problem) as previewed:
        change.preview()
    with pytest.raises(kind) as applied:
        change.apply(ANNA)

    assert str(previewed.value) == str(applied.value)
    assert written() == before


def test_an_edited_rule_is_enforced() -> None:
    rule = editing.deny(HERE, "audio/*")
    ids = [job.id for job in bound(2)]

    assert edit(rule, pattern="dam/**").apply(ANNA).recalled == 2

    assert states(ids) == ["PENDING", "PENDING"]
