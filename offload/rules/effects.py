"""Side effects of changing a rule on other rules.

An allow lifts the denies of the same pattern and target: for good, or while it lasts. A deny that
is lifted for a time rests: its row stays, and it is in force again as soon as the allow ends, or is
removed earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from offload.core.placement.topology import RuleVerb, Scope
from offload.core.topics import Pattern
from offload.fleet.row_values import readable, rule_of
from offload.fleet.snapshots import now, snapshot
from offload.models import Instance, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """The denies that an allow of the same pattern and target lifted."""

    #: Denies that are deleted.
    replaced: tuple[Rule, ...] = ()
    #: Denies that are in force again once the allow has ended.
    resting: tuple[Rule, ...] = ()


def overrule(allow: Rule) -> bool:
    """Lift the denies of the same pattern and target before an allow is written.

    Return whether one of them rests until the allow ends; the others would have ended by then.
    """
    denies = Rule.objects.alike(allow).filter(verb=RuleVerb.DENY)
    if allow.until is None:
        denies.delete()
        return False
    denies.filter(until__lte=allow.until).delete()
    return bool(denies.update(rests_until=allow.until))


def settle() -> None:
    """Let each resting deny rest exactly as long as the allow that lifted it."""
    for deny in Rule.objects.filter(verb=RuleVerb.DENY).exclude(rests_until=None):
        allow = Rule.objects.not_ended().alike(deny).filter(verb=RuleVerb.ALLOW).first()
        until = _until(deny, allow)
        if until != deny.rests_until:
            Rule.objects.filter(pk=deny.pk).update(rests_until=until)


def _until(deny: Rule, allow: Rule | None) -> datetime | None:
    if allow is None:
        return None
    # An allow without an end is older than the deny, and outlives it.
    return allow.until or deny.rests_until


def denies(target: str, patterns: Sequence[str], scope: str) -> tuple[Rule, ...]:
    """Return the denies of these patterns that an allow of them would lift."""
    rows = Rule.objects.not_ended().filter(verb=RuleVerb.DENY, scope=scope, target=target)
    return tuple(rows.filter(pattern__in=patterns))


def became_of(lifted: Iterable[Rule]) -> Overruled:
    """Return which of the earlier denies are deleted now, and which rest."""
    there = Rule.objects.in_bulk([rule.pk for rule in lifted])
    resting = [rule for rule in there.values() if rule.rests_until is not None]
    return Overruled(
        replaced=tuple(rule for rule in lifted if rule.pk not in there), resting=tuple(resting)
    )


def opened_by(removed: Iterable[Rule]) -> tuple[str, ...]:
    """Return the live instances whose last allow is among these rules."""
    ids = {rule.pk for rule in removed}
    topology, moment = snapshot(fresh=True).topology, now()
    allows = [one for one in topology.rules if one.verb is RuleVerb.ALLOW and one.in_force(moment)]
    mine = [[one for one in allows if one.applies_to(instance)] for instance in topology.live]
    pairs = zip(topology.live, mine, strict=True)
    return tuple(
        one.name for one, found in pairs if found and all(rule.id in ids for rule in found)
    )


def narrowing(instance: str, patterns: Iterable[str]) -> list[Rule]:
    """Return the denies in force that keep an instance from topics of these patterns."""
    wanted = [Pattern.parse(pattern) for pattern in patterns]
    found = [one for one in others_on(instance) if narrows(one, wanted)]
    return [one for one in found if rule_of(one).in_force(now())]


def others_on(instance: str) -> list[Rule]:
    """Return the rules in force on an instance, known or not, except its own allows.

    A row that cannot be read as a rule names nobody.
    """
    labels = Instance.objects.filter(pk=instance).values_list("labels", flat=True).first()
    known = labels if isinstance(labels, list) else ()
    own = Q(verb=RuleVerb.ALLOW, scope=Scope.INSTANCE)
    rows = Rule.objects.not_ended().exclude(own)
    pairs = readable(rows, lambda row: (row, rule_of(row)))
    return [row for row, rule in pairs if rule.names(instance, known)]


def widens(rule: Rule, wanted: Iterable[Pattern]) -> bool:
    """Return whether a rule allows more than an allow list."""
    pattern = Pattern.parse(rule.pattern)
    return rule.verb == RuleVerb.ALLOW and not any(one.covers(pattern) for one in wanted)


def narrows(rule: Rule, wanted: Iterable[Pattern]) -> bool:
    """Return whether a rule denies some of an allow list."""
    pattern = Pattern.parse(rule.pattern)
    return rule.verb == RuleVerb.DENY and any(one.overlaps(pattern) for one in wanted)
