"""Verdicts of other clusters on requests made here (P13)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.peers.rule_requests import RequestOutcome, RequestState
from offload.models import PeerRequest
from offload.peers.requests.request_ends import end

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.core.peers.contents import Content, RequestAnswer

STATES: Mapping[RequestOutcome, RequestState] = MappingProxyType(
    {
        RequestOutcome.APPLIED: RequestState.APPLIED,
        RequestOutcome.REFUSED: RequestState.REFUSED,
        RequestOutcome.WITHDRAWN: RequestState.WITHDRAWN,
    }
)


def take(peer: str, answer: RequestAnswer, now: datetime) -> tuple[Content, ...]:
    """End the open request that a verdict names; any other verdict changes nothing."""
    row = (
        PeerRequest.objects.select_for_update()
        .filter(peer=peer, key=answer.key, state=RequestState.REQUESTED)
        .first()
    )
    if row is not None:
        end(row, _state(row, answer), answer)
    return ()


def _state(row: PeerRequest, answer: RequestAnswer) -> RequestState:
    """Return the state; what nobody withdrew was taken back because its time was over."""
    found = STATES[answer.outcome]
    is_expired = found is RequestState.WITHDRAWN and not row.withdrawn_by
    return RequestState.EXPIRED if is_expired else found
