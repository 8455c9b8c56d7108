"""Rules by operators: allow, deny, clear, exclusive, off and on; each acts at once.

Every verb changes the rules and takes back the unstarted jobs they concern in one
transaction; running jobs finish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import UnknownRule
from offload.core.moments import utc
from offload.core.placement.topology import RuleVerb, Scope
from offload.core.topics import Pattern
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.rule_effects import (
    became_of,
    denies,
    narrows,
    opened_by,
    others_on,
    overrule,
    widens,
)
from offload.fleet.rule_enforcement import enforce
from offload.fleet.rule_validation import check, check_texts
from offload.models import Instance, Rule, Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser

    from offload.fleet.rule_effects import Overruled


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusive:
    """An allow list as it was made, and the other rules that change what it comes to."""

    rules: tuple[Rule, ...]
    #: Allows of a glob or a label by which the instance may run more than the list.
    widened_by: tuple[Rule, ...]
    #: Denies, of whatever scope, that keep it from something of the list.
    narrowed_by: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRules:
    """Rules that were written."""

    rules: tuple[Rule, ...]
    #: Denies that the allows among them lift.
    lifted: Overruled
    #: Jobs that were taken back.
    recalled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Rules that are gone."""

    count: int
    #: Jobs that were taken back.
    recalled: int
    #: Instances that are here and have lost their last allow: they may do everything now.
    opened: tuple[str, ...]


def allow(target: str, pattern: str, **fields: Any) -> Rule:
    """Allow a pattern on an instance; an instance with allow rules may do nothing else.

    It takes the place of a deny of the same pattern and target; where it ends by itself, that
    deny rests, and holds again afterwards. Takes ``scope`` ("instance", "glob" or "label"),
    ``until``, ``note`` and ``by`` (a user); a rule that was there keeps its note and its maker
    unless they are given anew. Raise InvalidPattern for a pattern that is none, InvalidRule for
    a target or a note that cannot be.
    """
    return write(RuleVerb.ALLOW, target, [pattern], **fields).rules[0]


def deny(target: str, pattern: str, **fields: Any) -> Rule:
    """Deny a pattern on an instance, whatever allows it; takes what ``allow`` takes."""
    return write(RuleVerb.DENY, target, [pattern], **fields).rules[0]


@retried
def write(verb: RuleVerb, target: str, patterns: Iterable[str], **fields: Any) -> WrittenRules:
    """Allow or deny patterns, all of them or none; takes, and raises, what ``allow`` does."""
    texts = [Pattern.parse(pattern).text for pattern in patterns]
    check_texts(target, target)
    with database.atomic():
        before = _lifted_by(verb, target, texts, fields.get("scope", Scope.INSTANCE))
        made = [_write(verb, target, text, **fields) for text in texts]
        return _enforced(made, before)


@retried
def save(rule: Rule) -> WrittenRules:
    """Store a rule as a form made it, an allow in place of the denies of the same."""
    with database.atomic():
        before = _lifted_by(rule.verb, rule.target, [rule.pattern], rule.scope)
        if rule.verb == RuleVerb.ALLOW:
            overrule(rule)
        rule.save(using=database.alias())
        return _enforced([rule], before)


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
    texts = [Pattern.parse(pattern).text for pattern in patterns]
    check_texts(target, target)
    return remove(Rule.objects.filter(scope=scope, target=target, pattern__in=texts))


@retried
def clear_ids(ids: Sequence[int]) -> Cleared:
    """Remove the rules with these ids; raise UnknownRule, with nothing changed, without one."""
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
        return Cleared(count=len(removed), opened=opened, recalled=enforce())


def exclusive(
    instance: str,
    patterns: Iterable[str],
    *,
    by: AbstractBaseUser | None = None,
    note: str | None = None,
) -> Exclusive:
    """Make exactly these patterns the allow list of an instance; others are untouched.

    Rules of globs and labels are for other instances too, and stay: those that let this one
    run more, or keep it from some of the patterns, are named in what is returned.
    """
    return _exclusive(instance, [Pattern.parse(pattern) for pattern in patterns], by, note)


@retried
def _exclusive(
    instance: str, wanted: Sequence[Pattern], by: AbstractBaseUser | None, note: str | None
) -> Exclusive:
    texts = [pattern.text for pattern in wanted]
    with database.atomic():
        mine = Rule.objects.filter(verb=RuleVerb.ALLOW, scope=Scope.INSTANCE, target=instance)
        mine.exclude(pattern__in=texts).delete()
        made = [_write(RuleVerb.ALLOW, instance, text, by=by, note=note) for text in texts]
        enforce()
        others = others_on(instance)
    return Exclusive(
        rules=tuple(made),
        widened_by=tuple(one for one in others if widens(one, wanted)),
        narrowed_by=tuple(one for one in others if narrows(one, wanted)),
    )


@retried
def switch(instance: str, *, off: bool, note: str | None = None) -> int:
    """Switch an instance off or on as a whole; one that is off keeps its note without another.

    Return how many jobs were taken back. Raise UnknownInstance where no worker of that name was
    ever announced, InvalidRule for a note that cannot be kept.
    """
    check_texts(instance, instance)
    Instance.objects.named(instance)
    check(Switch(instance=instance, note=note or ""), instance)
    with database.atomic():
        if off:
            fields = {} if note is None else {"note": note}
            Switch.objects.update_or_create(pk=instance, defaults=fields)
        else:
            Switch.objects.filter(pk=instance).delete()
        return enforce()


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
    """Write a rule; what is not given of its note and its maker stays.

    A deny leaves the allow of the same: it beats it, and without its allow list an instance may
    run all. For the same reason an allow without an end gets none where the deny only rests.
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
