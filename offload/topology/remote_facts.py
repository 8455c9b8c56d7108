"""Facts of other clusters' instances that change all the time, so that no view holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from offload.conf import peers
from offload.core.moments import between
from offload.core.placement.topology import RuleVerb
from offload.core.topics import Pattern
from offload.fleet.remote import instances_of
from offload.fleet.row_values import UNREADABLE_ROW_ERRORS
from offload.fleet.snapshots import snapshot
from offload.models import Peer
from offload.models.fields import DatabaseNow

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRule:
    """A rule of another cluster for one of its instances."""

    #: ``allow`` or ``deny``.
    verb: str
    pattern: str
    #: The time at which it ends by itself; None if it does not.
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteNews:
    """The latest facts of another cluster's instance, as that cluster announced them."""

    #: Seconds since the announcement.
    age: float
    #: Jobs that it runs, and that it could hold besides; None where it does not say.
    running: int | None = None
    room: int | None = None
    #: The rules of its own cluster that it has applied; None where it does not say.
    rules: tuple[RemoteRule, ...] | None = None


def remote_news() -> dict[str, RemoteNews]:
    """Return the latest facts of other clusters' instances, by names such as ``render/gpu1@host``.

    Without `PEERS` it asks nothing and returns nothing. Raise django.db.Error if the database does
    not answer.
    """
    names = peers().by_name
    if not names:
        return {}
    rows = Peer.objects.filter(pk__in=names, heard_at__isnull=False)
    aged = rows.annotate(read_at=DatabaseNow())
    return {name: news for row in aged for name, news in _of(row)}


def _of(row: Any) -> Iterator[tuple[str, RemoteNews]]:
    """Yield the news of each instance of a cluster that can be read."""
    found = instances_of(row, snapshot().switches)
    # If any can be read, it is a list that holds each of them.
    said = {one.get("name"): one for one in row.instances if isinstance(one, dict)} if found else {}
    age = max(0.0, between(row.heard_at, row.read_at))
    for info in found:
        one = said[info.nodename]
        running, room = _number(one.get("load"), "running"), _number(one, "room")
        news = RemoteNews(age=age, running=running, room=room, rules=_rules(one.get("applied")))
        yield info.name, news


def _number(announced: object, name: str) -> int | None:
    value = announced.get(name) if isinstance(announced, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _rules(announced: Any) -> tuple[RemoteRule, ...] | None:
    """Return announced rules, or None if there are none that can be read."""
    try:
        return tuple(_rule(*fields) for fields in announced["rules"])
    except UNREADABLE_ROW_ERRORS:
        return None


def _rule(verb: str, pattern: str, until: str | None) -> RemoteRule:
    ends = datetime.fromisoformat(until) if until else None
    if ends is not None and ends.tzinfo is None:
        raise ValueError("it has no zone")
    return RemoteRule(verb=RuleVerb(verb).value, pattern=Pattern.parse(pattern).text, until=ends)
