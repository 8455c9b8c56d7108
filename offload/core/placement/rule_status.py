"""The status of a topic or pattern on an instance, by the rules and by what may be sent there."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.placement.judgement import (
    judge_rules,
    noted,
    switched_off,
)
from offload.core.placement.reasons import Obstacle
from offload.core.placement.topology import RuleVerb, Scope
from offload.core.placement.travel import kept_here, switched_off_between
from offload.core.topics import Pattern, examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.reasons import Reason
    from offload.core.placement.topology import InstanceInfo, RoutingRule


class RuleStatus(enum.StrEnum):
    """The effect of the rules on one topic on one instance."""

    # Nothing forbids it.
    ALLOWED = "allowed"
    # It is the one pattern on the instance's own allow list.
    ONLY = "only"
    # Some topics of the pattern are allowed, others are not.
    PARTLY = "partly"
    # A rule denies it.
    DENIED = "denied"
    # The instance has allow rules, and none of them includes it.
    UNLISTED = "unlisted"
    # The instance is switched off.
    OFF = "off"
    # The instance is in another cluster, and the topic may not be sent there.
    NOT_SENT = "not_sent"
    # The instance has no consumer for it.
    ABSENT = "absent"
    # The instance has not announced which rules it follows.
    UNKNOWN = "unknown"


STATUS_OF_OBSTACLE: Mapping[Obstacle, RuleStatus] = MappingProxyType(
    {
        Obstacle.DENIED: RuleStatus.DENIED,
        Obstacle.NOT_ALLOWED: RuleStatus.UNLISTED,
        Obstacle.NOT_SENT: RuleStatus.NOT_SENT,
    }
)
#: Statuses with the same effect on jobs.
PERMITTING = frozenset({RuleStatus.ALLOWED, RuleStatus.ONLY})
FORBIDDING = frozenset(
    {RuleStatus.DENIED, RuleStatus.UNLISTED, RuleStatus.OFF, RuleStatus.NOT_SENT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A status, its reason, and the rule that caused it, if any."""

    status: RuleStatus
    why: str = ""
    rule_id: int | None = None
    until: datetime | None = None


def consumed(instance: InstanceInfo, row: str) -> tuple[str, ...]:
    """Return sample topics of a row that the instance has a consumer for."""
    pattern = Pattern.parse(row)
    whole = [one for one in examples(row) if _consumes(instance, one)]
    if pattern.is_exact:
        return tuple(whole)
    parts = {one.pattern.text for one in instance.consumers if pattern.matches(one.pattern.text)}
    sent = {one.text for one in instance.sends if pattern.matches(one.text)}
    parts |= {one for one in sent if _consumes(instance, one)}
    return (*whole, *sorted(parts - set(whole)))


def is_sent(instance: InstanceInfo, row: str) -> bool:
    """Tell whether something of a topic or pattern may be sent to the instance's cluster."""
    if not instance.peer:
        return True
    return not all(kept_here(instance, topic) for topic in consumed(instance, row))


def _consumes(instance: InstanceInfo, topic: str) -> bool:
    return any(one.pattern.matches(topic) for one in instance.consumers)


def judge(instance: InstanceInfo, row: str, rules: Sequence[RoutingRule], now: datetime) -> Judged:
    """Return the status of a topic or pattern on the instance by these rules."""
    topics = consumed(instance, row)
    if not topics:
        return Judged(status=RuleStatus.ABSENT)
    if off := switched_off(instance) or switched_off_between(instance):
        return Judged(status=RuleStatus.OFF, why=off.detail)
    found = [
        judge_rules(instance, topic, rules, now) or kept_here(instance, topic) for topic in topics
    ]
    reasons = [reason for reason in found if reason is not None]
    if not reasons:
        return _allowed(instance, row, topics[0], rules, now)
    status = (
        STATUS_OF_OBSTACLE[reasons[0].obstacle] if len(reasons) == len(found) else RuleStatus.PARTLY
    )
    return _judged(status, reasons[0], rules)


def same_effect(one: RuleStatus, other: RuleStatus) -> bool:
    """Tell whether both have the same effect on jobs."""
    return one == other or any({one, other} <= alike for alike in (PERMITTING, FORBIDDING))


def _judged(status: RuleStatus, reason: Reason, rules: Sequence[RoutingRule]) -> Judged:
    rule = next((one for one in rules if one.id == reason.rule_id), None)
    until = rule.until if rule else None
    return Judged(status=status, why=reason.detail, rule_id=reason.rule_id, until=until)


def _allowed(
    instance: InstanceInfo, row: str, topic: str, rules: Sequence[RoutingRule], now: datetime
) -> Judged:
    in_force = [one for one in rules if one.in_force(now) and one.applies_to(instance)]
    allows = [one for one in in_force if one.verb is RuleVerb.ALLOW]
    if not allows:
        return Judged(status=RuleStatus.ALLOWED, why="No rule concerns it.")
    rule = next(one for one in allows if one.pattern.matches(topic))
    listed = {one.pattern.text for one in allows}
    only = listed == {row} and rule.scope is Scope.INSTANCE
    return Judged(
        status=RuleStatus.ONLY if only else RuleStatus.ALLOWED,
        why=noted(
            f"{rule.title} allows {rule.pattern}{' and nothing else' if only else ''}", rule.note
        ),
        rule_id=rule.id or None,
        until=rule.until,
    )
