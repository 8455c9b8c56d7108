"""By which rules an instance says that it acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from offload.core.placement.topology import RoutingRule, RuleVerb, Scope
from offload.core.topics import Pattern
from offload.fleet.row_values import UNREADABLE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """By what an instance says it acts."""

    version: int
    is_off: bool
    rules: tuple[RoutingRule, ...]


def read_applied(instance: str, announced: Mapping[str, Any]) -> Applied | None:
    """Return what an instance announced as a value; None where that is nothing to read."""
    try:
        return _applied(instance, announced) if announced else None
    except UNREADABLE_ERRORS:
        return None


def _applied(instance: str, announced: Mapping[str, Any]) -> Applied:
    return Applied(
        version=announced["version"],
        is_off=announced["off"],
        rules=tuple(_rule(instance, *fields) for fields in announced["rules"]),
    )


def _rule(instance: str, verb: str, pattern: str, until: str | None) -> RoutingRule:
    return RoutingRule(
        id=0,
        verb=RuleVerb(verb),
        scope=Scope.INSTANCE,
        target=instance,
        pattern=Pattern.parse(pattern),
        until=datetime.fromisoformat(until) if until else None,
    )
