"""Rules by operators: allow, deny, clear, exclusive, off and on; each acts at once.

Every verb changes the rules and takes back the unstarted jobs they concern in one
transaction; running jobs finish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.exceptions import UnknownRule
from offload.core.moments import utc
from offload.core.placement.topology import RuleVerb, Scope
from offload.core.topics import Pattern
from offload.db import database
from offload.db.conflicts import retried
from offload.models import Rule
from offload.rules.effects import (
    became_of,
    denies,
    narrows,
    opened_by,
    others_on,
    overrule,
    widens,
)
from offload.rules.enforcement import enforce
from offload.rules.rule_outcomes import Cleared, Exclusive, WrittenRules
from offload.rules.validation import check, check_constraints, check_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser


def allow(target: str, pattern: str, **fields: Any) -> Rule:
    """Allow a pattern on an instance; an instance with allow rules may do nothing else.

    It replaces a deny of the same pattern and target; if the allow has an end, that deny rests, and
    is in force again afterwards. Takes ``scope`` ("instance", "glob" or "label"), ``until`` (a
    datetime), ``note`` (a text) and ``by`` (a user). An existing rule keeps its note and its user
    unless new ones are given. Raise InvalidPattern for an invalid pattern, InvalidRule for an
    invalid target or note.
    """
    return write(RuleVerb.ALLOW, target, [pattern], **fields).rules[0]


def deny(target: str, pattern: str, **fields: Any) -> Rule:
    """Deny a pattern on an instance, whatever allows it; takes the arguments of ``allow``."""
    return write(RuleVerb.DENY, target, [pattern], **fields).rules[0]


@retried
def write(verb: RuleVerb, target: str, patterns: Iterable[str], **fields: Any) -> WrittenRules:
    """Allow or deny patterns, all of them or none; arguments and errors as for ``allow``."""
    scope = fields.get("scope", Scope.INSTANCE)
    texts = _texts(target, scope, patterns)
    with database.atomic():
        before = _lifted_by(verb, target, texts, scope)
        made = [_write(verb, target, text, **fields) for text in texts]
        return _enforced(made, before)


@retried
def save(rule: Rule) -> WrittenRules:
    """Store a rule that was edited; an allow replaces the denies of the same pattern and target.

    Raise InvalidRule if it is invalid, or if the same rule exists already.
    """
    check(rule, rule.target)
    check_constraints(rule)
    with database.atomic():
        before = _lifted_by(rule.verb, rule.target, [rule.pattern], rule.scope)
        if rule.verb == RuleVerb.ALLOW:
            overrule(rule)
        rule.save(using=database.alias())
        return _enforced([rule], before)


def find(rule_id: int) -> Rule:
    """Return a rule; raise UnknownRule if none has this id."""
    found: Rule | None = Rule.objects.filter(pk=rule_id).first()
    if found is None:
        raise UnknownRule(rule_id=rule_id)
    return found


def _texts(target: str, scope: str, patterns: Iterable[str]) -> list[str]:
    """Return the patterns' text; raise InvalidPattern or InvalidRule."""
    texts = [Pattern.parse(pattern).text for pattern in patterns]
    check_target(target, scope, texts)
    return texts


def _lifted_by(verb: str, target: str, patterns: Sequence[str], scope: str) -> tuple[Rule, ...]:
    return denies(target, patterns, scope) if verb == RuleVerb.ALLOW else ()


def _enforced(made: Sequence[Rule], lifted: Sequence[Rule]) -> WrittenRules:
    recalled = enforce()
    return WrittenRules(rules=tuple(made), lifted=became_of(lifted), recalled=recalled)


def clear(target: str, pattern: str, *, scope: str = Scope.INSTANCE) -> Cleared:
    """Remove the rules of exactly this pattern on this target."""
    return clear_all(target, [pattern], scope=scope)


def clear_all(target: str, patterns: Iterable[str], *, scope: str = Scope.INSTANCE) -> Cleared:
    """Remove the rules of exactly these patterns on this target."""
    texts = _texts(target, scope, patterns)
    return remove(Rule.objects.filter(scope=scope, target=target, pattern__in=texts))


@retried
def clear_ids(ids: Sequence[int]) -> Cleared:
    """Remove the rules with these ids; raise UnknownRule, and change nothing, if one is missing."""
    with database.atomic():
        found = Rule.objects.in_bulk(ids)
        for missing in [one for one in ids if one not in found]:
            raise UnknownRule(rule_id=missing)
        return remove(found.values())


@retried
def remove(rows: Iterable[Rule]) -> Cleared:
    """Remove rules and enforce what remains."""
    with database.atomic():
        removed = list(rows)
        opened = opened_by(removed) if removed else ()
        Rule.objects.filter(pk__in=[rule.pk for rule in removed]).delete()
        return Cleared(rules=tuple(removed), opened=opened, recalled=enforce())


def exclusive(
    instance: str,
    patterns: Iterable[str],
    *,
    by: AbstractBaseUser | None = None,
    note: str | None = None,
) -> Exclusive:
    """Make exactly these patterns the allow list of an instance; other instances are not affected.

    Rules for globs and labels stay, because they are for other instances too. The returned value
    names those that let this instance run more, or keep it from some of the patterns.
    """
    texts = _texts(instance, Scope.INSTANCE, patterns)
    return _exclusive(instance, list(map(Pattern.parse, texts)), by, note)


@retried
def _exclusive(
    instance: str, wanted: Sequence[Pattern], by: AbstractBaseUser | None, note: str | None
) -> Exclusive:
    texts = [pattern.text for pattern in wanted]
    with database.atomic():
        mine = Rule.objects.filter(verb=RuleVerb.ALLOW, scope=Scope.INSTANCE, target=instance)
        before = denies(instance, texts, Scope.INSTANCE)
        others = mine.exclude(pattern__in=texts)
        removed = tuple(others)
        others.delete()
        made = [_write(RuleVerb.ALLOW, instance, text, by=by, note=note) for text in texts]
        recalled, lifted = enforce(), became_of(before)
        beside = others_on(instance)
    return Exclusive(
        rules=tuple(made),
        removed=removed,
        widened_by=tuple(one for one in beside if widens(one, wanted)),
        narrowed_by=tuple(one for one in beside if narrows(one, wanted)),
        lifted=lifted,
        recalled=recalled,
    )


def _write(
    verb: RuleVerb,
    target: str,
    pattern: str,
    *,
    scope: str = Scope.INSTANCE,
    until: datetime | None = None,
    note: str | None = None,
    by: AbstractBaseUser | None = None,
) -> Rule:
    """Write a rule; keep its note and its user unless new ones are given.

    A deny keeps the allow of the same pattern: the deny wins, and without an allow list the
    instance might run everything. For the same reason, an allow without an end stays without one if
    the deny only rests.
    """
    key: dict[str, Any] = {"verb": verb, "scope": scope, "target": target, "pattern": pattern}
    fields: dict[str, Any] = {"until": until and utc(until), "rests_until": None}
    given = {"note": note, "created_by_id": by.pk if by else None}
    fields |= {name: value for name, value in given.items() if value is not None}
    rests = verb == RuleVerb.ALLOW and overrule(Rule(**key, until=fields["until"]))
    if rests and Rule.objects.filter(**key, until=None).exists():
        fields["until"] = None
    check(Rule(**key, **fields), target)
    rule, _ = Rule.objects.update_or_create(**key, defaults=fields)
    return rule
