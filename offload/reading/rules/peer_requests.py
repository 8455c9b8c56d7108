"""Requests to other clusters for people: what was asked, by whom, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.conf import peers
from offload.core.peers.rule_requests import RequestState, cluster_and_node
from offload.models import Peer, PeerRequest
from offload.peers.requests.request_ends import reason, wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

#: Requests that pages show at most.
SHOWN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request to another cluster, as it is now."""

    number: int
    peer: str
    #: As ``render/gpu1@host``.
    instance: str
    action: str
    patterns: tuple[str, ...]
    until: datetime | None
    note: str
    state: RequestState
    by: str
    asked_at: datetime
    expires_at: datetime
    #: How often it was sent, or was about to be.
    tries: int
    #: Whether it is being taken back, and by whom; by nobody if its time is over.
    is_taken_back: bool
    withdrawn_by: str
    answered_at: datetime | None
    #: Why it was refused.
    reason: str
    #: The change in words.
    wish: str
    #: Whether the instance announces that it has applied it.
    is_confirmed: bool

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for its verdict."""
        return self.state is RequestState.REQUESTED

    @property
    def can_withdraw(self) -> bool:
        """Tell whether a person can still take it back."""
        return self.is_open and not self.is_taken_back

    def concerns(self, instance: str, pattern: str) -> bool:
        """Tell whether it is about an instance as a whole, or about just this pattern there."""
        is_there = self.instance == instance
        return is_there and (not self.patterns or pattern in self.patterns)

    @property
    def shown(self) -> tuple[object, ...]:
        """Return the facts that change while pages show it."""
        return self.number, self.progress, self.reason

    @property
    def progress(self) -> str:
        """Return the state in words."""
        if self.state is RequestState.APPLIED:
            return "applied and confirmed" if self.is_confirmed else "applied"
        if self.is_open and self.is_taken_back:
            return "being withdrawn" if self.withdrawn_by else "expired, to be confirmed"
        return self.state.value


def recent(*, peer: str = "", is_open: bool = False, most: int = SHOWN_MAX) -> list[RequestLine]:
    """Return requests, the newest first; without peers, ask nothing unless one is named."""
    if not peers() and not peer:
        return []
    rows = PeerRequest.objects.order_by("-pk")
    if peer:
        rows = rows.filter(peer=peer)
    if is_open:
        rows = rows.filter(state=RequestState.REQUESTED)
    return _lines(rows[:most])


def open_about(instances: Iterable[str]) -> list[RequestLine]:
    """Return the open requests about these instances, the oldest first."""
    names = set(instances)
    if not peers() or not names:
        return []
    rows = PeerRequest.objects.filter(state=RequestState.REQUESTED).order_by("pk")
    return [one for one in _lines(rows) if one.instance in names]


def about(instance: str) -> tuple[RequestLine, ...]:
    """Return the latest requests about an instance of another cluster, the newest first."""
    peer, node = cluster_and_node(instance)
    rows = PeerRequest.objects.filter(peer=peer, instance=node).order_by("-pk")
    return tuple(_lines(rows[:SHOWN_MAX]))


def by_peer() -> dict[str, tuple[RequestLine, ...]]:
    """Return the latest requests, the newest first, by the cluster that is asked."""
    found: dict[str, tuple[RequestLine, ...]] = {}
    for one in recent():
        found[one.peer] = (*found.get(one.peer, ()), one)
    return found


def _lines(rows: QuerySet[PeerRequest] | Sequence[PeerRequest]) -> list[RequestLine]:
    found = list(rows)
    asked = {row.peer for row in found if row.state == RequestState.APPLIED}
    versions = _versions(asked) if asked else {}
    return [_line(row, versions) for row in found]


def _versions(names: Iterable[str]) -> dict[str, int]:
    """Return the versions of the rules that instances announce as applied, by their names here."""
    rows = Peer.objects.filter(pk__in=names).values_list("pk", "instances")
    return {
        f"{peer}/{one['name']}": version
        for peer, instances in rows
        for one in (instances if isinstance(instances, list) else ())
        if isinstance(one, dict) and (version := _version(one)) is not None and "name" in one
    }


def _version(announced: Mapping[str, Any]) -> int | None:
    applied = announced.get("applied")
    found = applied.get("version") if isinstance(applied, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _line(row: PeerRequest, versions: Mapping[str, int]) -> RequestLine:
    known = versions.get(row.full_name)
    return RequestLine(
        number=row.pk,
        peer=row.peer,
        instance=row.full_name,
        action=row.action,
        patterns=tuple(map(str, row.patterns)) if isinstance(row.patterns, list) else (),
        until=row.until,
        note=row.note,
        state=RequestState(row.state),
        by=row.by,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        tries=row.tries,
        is_taken_back=row.withdrawn_at is not None,
        withdrawn_by=row.withdrawn_by,
        answered_at=row.answered_at,
        reason=reason(row) if row.state == RequestState.REFUSED else row.detail,
        wish=wish(row),
        is_confirmed=known is not None and known >= row.version,
    )
