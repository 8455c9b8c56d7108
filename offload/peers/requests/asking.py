"""Requests at the cluster that makes them: stored, replaced, withdrawn, expired (P13)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from offload.conf import peers
from offload.core.exceptions import UnknownRequest
from offload.core.peers.rule_requests import RequestState, subject_of
from offload.db import database
from offload.models import Peer, PeerRequest
from offload.models.fields import DatabaseNow
from offload.peers.requests.request_ends import end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.peers.rule_requests import RequestAction

KEY_BYTES = 16
#: Requests that end at once because their time is over.
BATCH = 100


def lets_rule(peer: str) -> bool:
    """Tell whether a cluster lets this one rule, or was never heard, so that nobody knows."""
    found = Peer.objects.filter(pk=peer, heard_at__isnull=False).values_list("lets_rule").first()
    return found is None or bool(found[0])


def store(
    action: RequestAction, peer: str, instance: str, patterns: Iterable[str], **fields: Any
) -> tuple[PeerRequest, tuple[int, ...]]:
    """Store a request in the surrounding transaction; return it, and those that it replaces.

    It takes the place of older ones of the same instance and subject that were never sent.
    """
    texts = list(patterns)
    subject = subject_of(action, texts)
    unsent = PeerRequest.objects.select_for_update().filter(
        peer=peer, instance=instance, subject=subject, state=RequestState.REQUESTED, tries=0
    )
    replaced = tuple(unsent.values_list("pk", flat=True))
    ended = {"state": RequestState.REPLACED, "answered_at": DatabaseNow()}
    PeerRequest.objects.filter(pk__in=replaced).update(**ended)
    made = PeerRequest.objects.create(
        peer=peer,
        key=secrets.token_hex(KEY_BYTES),
        instance=instance,
        action=action,
        patterns=texts,
        subject=subject,
        **fields,
    )
    return made, replaced


def withdraw(number: int, by: str) -> PeerRequest:
    """Withdraw an open request in the surrounding transaction; return it.

    One that was sent stays open until the other cluster has said whether it was applied. Raise
    UnknownRequest for one that is not open.
    """
    row: PeerRequest | None = PeerRequest.objects.select_for_update().filter(pk=number).first()
    if row is None or row.state != RequestState.REQUESTED:
        raise UnknownRequest(number=number, state=row.state if row else "")
    row.withdrawn_by = by
    if row.tries == 0:
        end(row, RequestState.WITHDRAWN)
    elif row.peer not in peers().by_name:
        end(row, RequestState.WITHDRAWN, detail="PEERS does not name it, so it cannot be asked.")
    else:
        _take_back(row)
    return row


def _take_back(row: PeerRequest) -> None:
    now = DatabaseNow()
    changed = {"withdrawn_at": now, "withdrawn_by": row.withdrawn_by, "due_at": now}
    PeerRequest.objects.filter(pk=row.pk).update(**changed)


def expire() -> int:
    """Take back the requests whose time is over; return how many."""
    with database.atomic():
        over = PeerRequest.objects.select_for_update().filter(
            state=RequestState.REQUESTED, withdrawn_at=None, expires_at__lte=DatabaseNow()
        )
        found = list(over[:BATCH])
        for row in found:
            if row.tries == 0:
                end(row, RequestState.EXPIRED)
            else:
                _take_back(row)
    return len(found)
