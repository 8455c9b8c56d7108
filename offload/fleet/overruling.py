"""Denies that an allow of the same pattern and target lifts: for good, or while it lasts.

A deny that is lifted for a time rests: its row stays, and holds again from the moment at which
the allow ends, or from the change that ends the allow earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.topology import Verb
from offload.models import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """Denies that an allow of the same pattern and target lifted."""

    #: Those that are gone.
    replaced: tuple[Rule, ...] = ()
    #: Those that hold again once the allow has ended.
    resting: tuple[Rule, ...] = ()


def overrule(allow: Rule) -> bool:
    """Lift the denies of the pattern and target of an allow that is about to be written.

    Return whether one of them rests until the allow ends; the others would have ended by then.
    """
    denies = Rule.objects.alike(allow).filter(verb=Verb.DENY)
    if allow.until is None:
        denies.delete()
        return False
    denies.filter(until__lte=allow.until).delete()
    return bool(denies.update(rests_until=allow.until))


def settle() -> None:
    """Let each deny that rests do so as long as the allow lasts that lifted it, and no longer."""
    for deny in Rule.objects.filter(verb=Verb.DENY).exclude(rests_until=None):
        allow = Rule.objects.not_ended().alike(deny).filter(verb=Verb.ALLOW).first()
        until = _until(deny, allow)
        if until != deny.rests_until:
            Rule.objects.filter(pk=deny.pk).update(rests_until=until)


def _until(deny: Rule, allow: Rule | None) -> datetime | None:
    if allow is None:
        return None
    # An allow without an end was there before the deny, and outlives it.
    return allow.until or deny.rests_until


def denies(target: str, patterns: Sequence[str], scope: str) -> tuple[Rule, ...]:
    """Return the denies of these patterns that an allow of them would lift."""
    rows = Rule.objects.not_ended().filter(verb=Verb.DENY, scope=scope, target=target)
    return tuple(rows.filter(pattern__in=patterns))


def became_of(lifted: Iterable[Rule]) -> Overruled:
    """Return which of the denies that were there are gone now, and which rest."""
    there = Rule.objects.in_bulk([rule.pk for rule in lifted])
    resting = [rule for rule in there.values() if rule.rests_until is not None]
    return Overruled(
        replaced=tuple(rule for rule in lifted if rule.pk not in there), resting=tuple(resting)
    )
