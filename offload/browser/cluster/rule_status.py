"""How an instance stands to a topic: by the rules as they are, and by those it has applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.browser.badges import RuleStatus
from offload.core.placement.judgement import consumer_for, judge_rules, noted, switched_off
from offload.core.placement.reasons import Obstacle
from offload.core.placement.topology import RuleVerb, Scope
from offload.core.topics import Pattern, examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.reasons import Reason
    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.reading.applied import Applied

STATUS_OF_OBSTACLE: Mapping[Obstacle, RuleStatus] = MappingProxyType(
    {Obstacle.DENIED: RuleStatus.DENIED, Obstacle.NOT_ALLOWED: RuleStatus.UNLISTED}
)
#: Statuses with the same effect on jobs.
PERMITTING = frozenset({RuleStatus.ALLOWED, RuleStatus.ONLY})
FORBIDDING = frozenset({RuleStatus.DENIED, RuleStatus.UNLISTED, RuleStatus.OFF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A status, the reason for it, and the rule it comes from, if it comes from one."""

    status: RuleStatus
    why: str = ""
    rule_id: int | None = None
    until: datetime | None = None


def consumed(instance: InstanceInfo, row: str) -> tuple[str, ...]:
    """Return topics that stand for those of a row's that the instance has a consumer for."""
    pattern = Pattern.parse(row)
    whole = [one for one in examples(row) if consumer_for(instance, one) is not None]
    parts = {one.pattern.text for one in instance.consumers if pattern.matches(one.pattern.text)}
    return (*whole, *sorted(parts - set(whole)))


def judge(instance: InstanceInfo, row: str, rules: Sequence[RoutingRule], now: datetime) -> Judged:
    """Say how the instance stands to a topic or pattern by these rules."""
    topics = consumed(instance, row)
    if not topics:
        return Judged(status=RuleStatus.ABSENT)
    if off := switched_off(instance):
        return Judged(status=RuleStatus.OFF, why=off.detail)
    found = [judge_rules(instance, topic, rules, now) for topic in topics]
    reasons = [reason for reason in found if reason is not None]
    if not reasons:
        return _allowed(instance, row, topics[0], rules, now)
    status = (
        STATUS_OF_OBSTACLE[reasons[0].obstacle] if len(reasons) == len(found) else RuleStatus.PARTLY
    )
    return _judged(status, reasons[0], rules)


def judge_applied(
    instance: InstanceInfo, row: str, applied: Applied | None, now: datetime
) -> RuleStatus:
    """Say how the instance stands to it by the rules it has announced."""
    if applied is None:
        return RuleStatus.UNKNOWN
    acting = replace(instance, is_off=applied.is_off)
    return judge(acting, row, applied.rules, now).status


def same_effect(one: RuleStatus, other: RuleStatus) -> bool:
    """Tell whether jobs fare alike under both."""
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
            f"Rule {rule.id} allows {rule.pattern}{' and nothing else' if only else ''}", rule.note
        ),
        rule_id=rule.id,
        until=rule.until,
    )
