"""Rules without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.lint.problems import Problem, ProblemKind
from offload.core.placement.topology import RuleVerb, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from offload.core.placement.topology import RoutingRule, Topology


def unmatched(topology: Topology) -> Iterator[Problem]:
    """Yield rules that name no known instance."""
    for rule in topology.rules:
        if not any(rule.applies_to(one) for one in topology.everyone):
            yield Problem(
                kind=ProblemKind.RULE_UNMATCHED,
                subject=rule.title,
                fact=f"{_sentence(rule)} acts on nobody: {_missing(rule)}.",
                next_step=f"To end it: manage.py offload clear {rule.id}",
            )


def shadowed(topology: Topology, now: datetime) -> Iterator[Problem]:
    """Yield rules in force whose topics another rule decides on each instance that they name."""
    rules = [one for one in topology.rules if one.in_force(now)]
    for rule in rules:
        other = next((one for one in rules if _makes_void(one, rule, topology)), None)
        if other is not None:
            yield Problem(
                kind=ProblemKind.RULE_SHADOWED,
                subject=rule.title,
                fact=f"{_sentence(rule)} has no effect: {_sentence(other)} decides that already.",
                next_step=f"To end it: manage.py offload clear {rule.id}",
            )


def _makes_void(other: RoutingRule, rule: RoutingRule, topology: Topology) -> bool:
    """Tell whether a rule has no effect beside the other; of two alike, the later one has none."""
    if other.id == rule.id or not _decides(other, rule, topology):
        return False
    return other.id < rule.id or not _decides(rule, other, topology)


def _decides(other: RoutingRule, rule: RoutingRule, topology: Topology) -> bool:
    """Tell whether the other rule decides all that this one could, and for at least as long."""
    return (
        other.verb in {rule.verb, RuleVerb.DENY}
        and other.pattern.covers(rule.pattern)
        and _outlives(other, rule)
        and _names_all(other, rule, topology)
    )


def _names_all(other: RoutingRule, rule: RoutingRule, topology: Topology) -> bool:
    """Tell whether the other rule names each instance, present or to come, that this one names."""
    if (other.scope, other.target) == (rule.scope, rule.target):
        return True
    if rule.scope is not Scope.INSTANCE:
        return False
    named = topology.instance(rule.target)
    return named is not None and other.applies_to(named)


def _outlives(other: RoutingRule, rule: RoutingRule) -> bool:
    if other.until is None:
        return True
    return rule.until is not None and rule.until <= other.until


def _missing(rule: RoutingRule) -> str:
    if rule.scope is Scope.LABEL:
        return f"no known instance has the label {rule.target}"
    kind = "a name like" if rule.scope is Scope.GLOB else "the name"
    return f"no known instance has {kind} {rule.target}"


def _sentence(rule: RoutingRule) -> str:
    return f"{rule.title} ({rule.verb} {rule.pattern} on {rule.target})"
