"""The outbox of requests: of each instance the oldest open one, until its verdict (P13)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, F, Min, OuterRef, Value
from django.db.models.functions import Least

from offload.core.peers.contents import RuleRequest
from offload.core.peers.rule_requests import RequestAction, RequestState
from offload.db import database
from offload.models import PeerRequest
from offload.models.fields import DatabaseNow
from offload.peers.requests import asking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.core.peers.contents import Content

#: Seconds until what was not answered is sent again, by how often it was sent; then the last one.
PAUSES = (1, 2, 4, 8, 16, 32, 60)
TRIES_MAX = 1_000
#: For how long requests are kept after their end.
KEPT = timedelta(days=30)
#: Requests that are deleted at once.
PURGE_BATCH = 1_000


class RequestOutbox:
    """The requests of this cluster that have no verdict."""

    def due(self, peer: str, now: datetime, limit: int) -> Sequence[Content]:
        """Return the requests that are due, and note before they leave that they are sent.

        One that may have been sent is not replaced any more.
        """
        older = PeerRequest.objects.filter(
            peer=OuterRef("peer"),
            instance=OuterRef("instance"),
            state=RequestState.REQUESTED,
            pk__lt=OuterRef("pk"),
        )
        with database.atomic():
            found = list(
                PeerRequest.objects.select_for_update(of=("self",))
                .filter(~Exists(older), peer=peer, state=RequestState.REQUESTED)
                .filter(due_at__lte=DatabaseNow())
                .order_by("due_at")[:limit]
            )
            _note(found)
        settled = _settled(peer) if found else 0
        return [_message(row, settled) for row in found]

    def sent(self, peer: str, contents: Sequence[Content], now: datetime) -> None:
        """Do nothing: what is sent was noted before."""

    def has_withdrawals(self, peer: str) -> bool:
        """Return False: requests bind no jobs."""
        return False


def peers_with_open() -> list[str]:
    """Return the clusters that have open requests; take back those whose time is over."""
    found = list(
        PeerRequest.objects.filter(state=RequestState.REQUESTED)
        .order_by()
        .values_list("peer")
        .annotate(first=Min("expires_at"), now=DatabaseNow())
    )
    if any(first <= now for _, first, now in found):
        asking.expire()
    return [peer for peer, _, _ in found]


def hurry(peer: str) -> None:
    """Let the requests to a peer that is heard again be due now: they waited ever longer."""
    open_ = PeerRequest.objects.filter(peer=peer, state=RequestState.REQUESTED)
    open_.filter(due_at__gt=DatabaseNow()).update(due_at=DatabaseNow())


def purge() -> int:
    """Delete requests that ended long ago; return how many."""
    old = PeerRequest.objects.filter(answered_at__lt=DatabaseNow() - KEPT)
    numbers = list(old.order_by("answered_at").values_list("pk", flat=True)[:PURGE_BATCH])
    return PeerRequest.objects.filter(pk__in=numbers).delete()[0] if numbers else 0


def _note(rows: Sequence[PeerRequest]) -> None:
    for row in rows:
        pause = PAUSES[min(row.tries, len(PAUSES) - 1)]
        PeerRequest.objects.filter(pk=row.pk).update(
            tries=Least(F("tries") + 1, Value(TRIES_MAX)),
            due_at=DatabaseNow() + timedelta(seconds=pause),
        )


def _settled(peer: str) -> int:
    """Return the number of the oldest open request: those below have their verdicts."""
    found = PeerRequest.objects.filter(peer=peer, state=RequestState.REQUESTED)
    return found.aggregate(first=Min("pk"))["first"] or 0


def _message(row: PeerRequest, settled: int) -> RuleRequest:
    return RuleRequest(
        key=row.key,
        number=row.pk,
        settled=settled,
        action=RequestAction(row.action),
        instance=row.instance,
        patterns=tuple(row.patterns),
        until=row.until.timestamp() if row.until else None,
        note=row.note,
        by=row.by,
        is_withdrawn=row.withdrawn_at is not None,
    )
