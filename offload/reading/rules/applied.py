"""The rules that an instance has announced as applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from offload.core.placement.rule_status import Judged, RuleStatus, judge
from offload.core.placement.topology import RoutingRule, RuleVerb, Scope
from offload.core.topics import Pattern
from offload.fleet.row_values import UNREADABLE_ROW_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.placement.topology import InstanceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The rules and the switch that an instance has applied."""

    version: int
    is_off: bool
    rules: tuple[RoutingRule, ...]


def read_applied(instance: str, announced: Mapping[str, Any]) -> Applied | None:
    """Return an instance's announcement as a value, or None if it is empty or unreadable.

    That of another cluster may be anything.
    """
    try:
        return _applied(instance, announced) if announced else None
    except UNREADABLE_ROW_ERRORS:
        return None


def judge_applied(
    instance: InstanceInfo, row: str, applied: Applied | None, now: datetime
) -> RuleStatus:
    """Return the status by the rules that the instance has announced."""
    if applied is None:
        return RuleStatus.UNKNOWN
    acting = replace(instance, is_off=applied.is_off)
    return judge(acting, row, applied.rules, now).status


def judge_there(
    instance: InstanceInfo, row: str, applied: Applied | None, now: datetime
) -> Judged | None:
    """Return the status by the rules of the instance's own cluster; None if those are unknown.

    Whether jobs are sent there is another question.
    """
    if applied is None:
        return None
    there = replace(instance, peer="", send_off="", is_accepting=True, is_off=applied.is_off)
    return judge(there, row, applied.rules, now)


def _applied(instance: str, announced: Mapping[str, Any]) -> Applied:
    return Applied(
        version=announced["version"],
        is_off=announced["off"] is True,
        rules=tuple(_rule(instance, *fields) for fields in announced["rules"]),
    )


def _rule(instance: str, verb: str, pattern: str, until: str | None) -> RoutingRule:
    return RoutingRule(
        id=0,
        verb=RuleVerb(verb),
        scope=Scope.INSTANCE,
        target=instance,
        pattern=Pattern.parse(pattern),
        until=_moment(until) if until else None,
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("it has no zone")
    return found
