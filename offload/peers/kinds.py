"""The kinds of messages between clusters: which function takes each, and where they wait.

A *taker* runs inside the transaction that stores the message's nonce, and returns what is answered
at once after the commit: best effort, so whatever must arrive stands in an outbox.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from offload.core.peers.contents import (
    Acknowledgement,
    CloneReport,
    Confirmation,
    OutputInvitation,
    PeerEnvelope,
    ReportAnswer,
    RequestAnswer,
    RuleRequest,
    Withdrawal,
)
from offload.peers import hearing
from offload.peers.files import pushing
from offload.peers.requests import judging, request_verdicts
from offload.peers.travel import answering, hosting
from offload.peers.travel.envelopes import HomeOutbox
from offload.peers.travel.reporting import CloneOutbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from offload.core.peers.contents import Content

#: Takes the peer's name, a content of its type, and the database's time.
Taker: TypeAlias = "Callable[[str, Any, datetime], tuple[Content, ...]]"


class Outbox(Protocol):
    """Rows that are sent again until they are answered."""

    def due(self, peer: str, now: datetime, limit: int) -> Sequence[Content]:
        """Return contents that are due for a peer, the longest due first."""

    def sent(self, peer: str, contents: Sequence[Content], now: datetime) -> None:
        """Note that they were given to the broker: they are due again later, unless answered."""

    def has_withdrawals(self, peer: str) -> bool:
        """Tell whether the peer has withdrawals to acknowledge."""


#: By the type of the content. A request is taken by what the agent passes in: the changes that
#: people make are above this room.
TAKERS: Mapping[type[Any], Taker] = MappingProxyType(
    {
        PeerEnvelope: hosting.take_envelope,
        Withdrawal: hosting.take_withdrawal,
        OutputInvitation: pushing.take_invitation,
        ReportAnswer: hosting.take_answer,
        CloneReport: answering.take_report,
        Acknowledgement: answering.take_acknowledgement,
        RequestAnswer: request_verdicts.take,
        Confirmation: hearing.take_confirmation,
    }
)
#: For what the peer may not send; it is counted as refused as well, whatever is answered.
REFUSERS: Mapping[type[Any], Taker] = MappingProxyType(
    {PeerEnvelope: hosting.refuse_envelope, RuleRequest: judging.refuse}
)
#: All are drained by their due times.
OUTBOXES: tuple[Outbox, ...] = (HomeOutbox(), CloneOutbox())
