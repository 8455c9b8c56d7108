"""What operators desire: allow, deny, clear, exclusive, off and on; each acts at once.

Every verb changes the rules and takes back the unstarted jobs they concern in one
transaction; running jobs finish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from offload.core.exceptions import UnknownInstance, UnknownRule
from offload.core.moments import utc
from offload.core.placement.routing import judge_rules
from offload.core.placement.topology import Scope, Verb
from offload.core.retries import Cause
from offload.core.topics import Pattern
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.opening import opened_by
from offload.fleet.overruling import overrule, settle
from offload.fleet.row_values import rule_of
from offload.fleet.rule_terms import check, check_texts
from offload.fleet.snapshots import forget, load, now
from offload.models import Instance, Rule, Switch
from offload.models.versions import current_version, raise_version
from offload.tracking import queries, requeue, slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser

    from offload.core.placement.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusive:
    """An allow list as it was made, and the other rules that change what it comes to."""

    rules: tuple[Rule, ...]
    #: Allows of a glob or a label by which the instance may run more than the list.
    widened_by: tuple[Rule, ...]
    #: Denies, of whatever scope, that keep it from something of the list.
    narrowed_by: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Rules that are gone."""

    count: int
    #: Instances that are here and have lost their last allow: they may do everything now.
    opened: tuple[str, ...]


@retried
def allow(target: str, pattern: str, **terms: Any) -> Rule:
    """Allow a pattern on an instance; an instance with allow rules may do nothing else.

    It takes the place of a deny of the same pattern and target; where it ends by itself, that
    deny rests, and holds again afterwards. Takes ``scope`` ("instance", "glob" or "label"),
    ``until``, ``note`` and ``by`` (a user); a rule that was there keeps its note and its maker
    unless they are given anew. Raise InvalidPattern for a pattern that is none, InvalidRule for
    a target or a note that cannot be.
    """
    return _rule(Verb.ALLOW, target, pattern, **terms)


@retried
def deny(target: str, pattern: str, **terms: Any) -> Rule:
    """Deny a pattern on an instance, whatever allows it; takes what ``allow`` takes."""
    return _rule(Verb.DENY, target, pattern, **terms)


@retried
def clear(target: str, pattern: str, *, scope: str = Scope.INSTANCE) -> Cleared:
    """Remove the rules of exactly this pattern on this target."""
    Pattern.parse(pattern)
    check_texts(target, target)
    with database.atomic():
        return remove(Rule.objects.filter(scope=scope, target=target, pattern=pattern))


@retried
def clear_ids(ids: Sequence[int]) -> Cleared:
    """Remove the rules with these ids; raise UnknownRule, with nothing changed, without one."""
    with database.atomic():
        found = Rule.objects.in_bulk(ids)
        for missing in [one for one in ids if one not in found]:
            raise UnknownRule(rule_id=missing)
        return remove(found.values())


def remove(rows: Iterable[Rule]) -> Cleared:
    """Remove rules and enforce what remains; call it in a transaction."""
    removed = list(rows)
    opened = opened_by(removed) if removed else ()
    Rule.objects.filter(pk__in=[rule.pk for rule in removed]).delete()
    enforce()
    return Cleared(count=len(removed), opened=opened)


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
        mine = Rule.objects.filter(verb=Verb.ALLOW, scope=Scope.INSTANCE, target=instance)
        mine.exclude(pattern__in=texts).delete()
        made = [_write(Verb.ALLOW, instance, text, by=by, note=note) for text in texts]
        enforce()
        others = _others(instance)
    return Exclusive(
        rules=tuple(made),
        widened_by=tuple(one for one in others if _widens(one, wanted)),
        narrowed_by=tuple(one for one in others if _narrows(one, wanted)),
    )


def narrowing(instance: str, patterns: Iterable[str]) -> list[Rule]:
    """Return the denies in force that keep an instance from topics of these patterns."""
    wanted = [Pattern.parse(pattern) for pattern in patterns]
    found = [one for one in _others(instance) if _narrows(one, wanted)]
    return [one for one in found if rule_of(one).in_force(now())]


def _others(instance: str) -> list[Rule]:
    """Return the rules in force on an instance, known or not, save its own allows."""
    labels = Instance.objects.filter(pk=instance).values_list("labels", flat=True).first() or ()
    own = Q(verb=Verb.ALLOW, scope=Scope.INSTANCE)
    rows = Rule.objects.not_ended().exclude(own)
    return [row for row in rows if rule_of(row).names(instance, labels)]


def _widens(rule: Rule, wanted: Iterable[Pattern]) -> bool:
    pattern = Pattern.parse(rule.pattern)
    return rule.verb == Verb.ALLOW and not any(one.covers(pattern) for one in wanted)


def _narrows(rule: Rule, wanted: Iterable[Pattern]) -> bool:
    pattern = Pattern.parse(rule.pattern)
    return rule.verb == Verb.DENY and any(one.overlaps(pattern) for one in wanted)


@retried
def switch(instance: str, *, off: bool, note: str | None = None) -> None:
    """Switch an instance off or on as a whole; one that is off keeps its note without another.

    Raise UnknownInstance where no worker of that name was ever announced, InvalidRule for a
    note that cannot be kept.
    """
    check_texts(instance, instance)
    if not Instance.objects.filter(pk=instance).exists():
        raise UnknownInstance(name=instance, known=Instance.objects.values_list("pk", flat=True))
    check(Switch(instance=instance, note=note or ""), instance)
    with database.atomic():
        if off:
            terms = {} if note is None else {"note": note}
            Switch.objects.update_or_create(pk=instance, defaults=terms)
        else:
            Switch.objects.filter(pk=instance).delete()
        enforce()


def _rule(verb: Verb, target: str, pattern: str, **terms: Any) -> Rule:
    text = Pattern.parse(pattern).text
    with database.atomic():
        rule = _write(verb, target, text, **terms)
        enforce()
    return rule


def _write(
    verb: Verb,
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
    terms: dict[str, Any] = {"until": until and utc(until), "rests_until": None}
    given = {"note": note, "created_by_id": by.pk if by else None}
    terms |= {name: value for name, value in given.items() if value is not None}
    rests = verb == Verb.ALLOW and overrule(Rule(**key, until=terms["until"]))
    if rests and Rule.objects.filter(**key, until=None).exists():
        terms["until"] = None
    check(Rule(**key, **terms), target)
    rule, _ = Rule.objects.update_or_create(**key, defaults=terms)
    return rule


def enforce() -> int:
    """Take back the unstarted jobs that the rules as they are now forbid; return how many.

    Call it in the transaction that changed them. It waits for the bindings that began before:
    they have not seen the rules, and are seen here once they are committed.
    """
    settle()
    raise_version()
    topology = load(current_version()).topology
    slots.keep_bindings_out(_named(topology))
    count = 0
    for name, topic in queries.unstarted():
        instance = topology.instance(name)
        if instance and (instance.is_off or judge_rules(instance, topic, topology.rules, now())):
            count += len(requeue.recall_from(name, [topic], cause=Cause.REFUSED))
    forget()
    return count


def _named(topology: Topology) -> list[str]:
    """Return the instances to which something may be forbidden."""
    return [
        one.name
        for one in topology.live
        if one.is_off or any(rule.applies_to(one) for rule in topology.rules)
    ]
