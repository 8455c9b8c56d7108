"""The rulebook: all rules in force, and the instances that are off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.utils.timezone import localtime

from offload.core.placement.judgement import noted
from offload.core.placement.topology import Scope
from offload.fleet.snapshots import now, snapshot
from offload.models import Rule, Switch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from offload.core.placement.topology import InstanceInfo, RoutingRule

#: The verb and the pattern shown for an instance that is switched off.
OFF, DRAIN, EVERYTHING = "off", "drain", "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in force, or an instance that is switched off as a whole."""

    #: None for an instance that is switched off.
    id: int | None
    #: allow, deny, off or drain.
    verb: str
    pattern: str
    scope: str
    target: str
    #: The live instances that it names, those of other clusters too.
    instances: tuple[str, ...]
    since: datetime
    until: datetime | None
    #: The time until which an allow of the same pattern and target lifts it, if any.
    rests_until: datetime | None = None
    note: str
    #: The name of the user who made it in the admin, if any.
    by: str

    def __str__(self) -> str:
        """Return it as a sentence, with its end and its note."""
        until = f" until {localtime(self.until):%Y-%m-%d %H:%M}" if self.until else ""
        if self.id is None:
            what = "drained" if self.verb == DRAIN else "switched off"
            return noted(f"{what}{until}", self.note)
        if self.rests_until:
            until = f" is lifted until {localtime(self.rests_until):%Y-%m-%d %H:%M}"
        scope = "" if self.scope == Scope.INSTANCE else f" by {self.scope} {self.target}"
        return noted(f"{self.verb} {self.pattern}{scope}{until}", self.note)


def rulebook() -> tuple[RuleLine, ...]:
    """Return the switches, then the rules by scope, target and pattern."""
    topology = snapshot(fresh=True).topology
    rows = list(Rule.objects.not_ended())
    users = _users(row.created_by_id for row in rows)
    # A row that cannot be read as a rule names nobody.
    names = {rule.id: _named(rule, topology.present) for rule in topology.rules}
    off = [_off(row, topology.live) for row in Switch.objects.order_by("pk")]
    return (*off, *(_rule(row, names.get(row.pk, ()), users) for row in rows))


def _named(rule: RoutingRule, present: Iterable[InstanceInfo]) -> tuple[str, ...]:
    return tuple(one.name for one in present if rule.applies_to(one))


def _off(row: Switch, live: Iterable[InstanceInfo]) -> RuleLine:
    return RuleLine(
        id=None,
        verb=DRAIN if row.drains else OFF,
        pattern=EVERYTHING,
        scope=Scope.INSTANCE,
        target=row.instance,
        instances=tuple(one.name for one in live if one.name == row.instance),
        since=row.since,
        until=row.until,
        note=row.note,
        by=row.by,
    )


def _rule(row: Rule, instances: tuple[str, ...], users: Mapping[object, str]) -> RuleLine:
    return RuleLine(
        id=row.pk,
        verb=row.verb,
        pattern=row.pattern,
        scope=row.scope,
        target=row.target,
        instances=instances,
        since=row.created_at,
        until=row.until,
        rests_until=_future(row.rests_until),
        note=row.note,
        by=users.get(row.created_by_id, ""),
    )


def _future(moment: datetime | None) -> datetime | None:
    return moment if moment and moment > now() else None


def _users(ids: Iterable[Any]) -> dict[Any, str]:
    """Return the names of users; their table may be in another database."""
    wanted = {one for one in ids if one is not None}
    found = get_user_model()._default_manager.filter(pk__in=wanted) if wanted else ()
    return {user.pk: user.get_username() for user in found}
