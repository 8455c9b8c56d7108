"""A message of another cluster: read, taken in one transaction, or refused."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from django.db import DatabaseError

from offload.core.peers.contents import PeerAnnouncement, ReportAnswer, ReportVerdict, RuleRequest
from offload.core.peers.messages import PeerReceiver, read
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.peers.signing import claimed_peer
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet import snapshots
from offload.models import SeenMessage
from offload.peers import hearing
from offload.peers.kinds import REFUSERS, TAKERS, Taker
from offload.peers.refusals import RefusalCounter
from offload.peers.sending import LIMITS, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from offload.core.peers.configuration import PeersConfig
    from offload.core.peers.contents import Content
    from offload.core.peers.messages import PeerMessage

logger = logging.getLogger("offload.peers")

SEEN = SeenMessage._meta.db_table
NOTE_SEEN = (
    f"INSERT INTO {SEEN} (peer, nonce, seen_at) "
    "VALUES (%(peer)s, %(nonce)s, {now}) ON CONFLICT DO NOTHING"
)


class DatabaseOutOfReach(Exception):
    """The database does not answer, so the message has to stay where it is."""


class _Taken(NamedTuple):
    """A message that was taken, or answered although it was refused."""

    sender: str
    answers: tuple[Content, ...]
    content: Content


def unheeded(_: Content) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Receiver:
    """Takes messages for this cluster."""

    config: PeersConfig
    refusals: RefusalCounter = field(default_factory=RefusalCounter)
    #: Sends answers to a peer.
    answer: Callable[..., object] = send
    #: Takes requests to change rules here, inside the message's transaction.
    request_taker: Taker | None = None
    #: Is told of each content that was taken, after the commit.
    heed: Callable[[Content], object] = unheeded

    def take(self, data: bytes) -> None:
        """Take a message, or count it as refused; send at once what answers it.

        Raise DatabaseOutOfReach if it must be delivered again. Nothing else is raised: a message
        that cannot be taken is dropped, since whatever must arrive is sent again.
        """
        try:
            taken = self._take(data)
        except PeerMessageRefused as refusal:
            self._refuse(data, refusal.kind, str(refusal))
        except DatabaseError as error:
            self._fail(data, error)
        except Exception as error:
            self._drop(data, error)
        else:
            self._count_stale(taken.sender, taken.answers)
            if isinstance(taken.content, PeerAnnouncement) and taken.answers:
                self.answer(taken.sender, taken.answers, apart=True)
            elif taken.answers:
                self.answer(taken.sender, taken.answers)
            self.heed(taken.content)

    def _count_stale(self, sender: str, answers: Sequence[Content]) -> None:
        """Count reports that come too late; they are answered like all others."""
        for one in answers:
            if isinstance(one, ReportAnswer) and one.verdict is ReportVerdict.STALE:
                detail = f"job {one.job_id} is not bound there as epoch {one.epoch} any more"
                self.refusals.note(sender, RefusalKind.STALE, detail)

    def _fail(self, data: bytes, error: DatabaseError) -> None:
        """Keep the message while the database is away; drop one that is the cause itself."""
        if not _answers():
            raise DatabaseOutOfReach(str(error)) from error
        self._drop(data, error)

    def _drop(self, data: bytes, error: Exception) -> None:
        logger.error("a message could not be taken", exc_info=error)
        self._refuse(data, RefusalKind.FAILED, f"{type(error).__name__} here")

    def _refuse(self, data: bytes, kind: RefusalKind, detail: str) -> None:
        self.refusals.note(claimed_peer(data, self.config.keys), kind, detail)

    @retried
    def _take(self, data: bytes) -> _Taken:
        with database.atomic():
            now = snapshots.now()
            try:
                message = read(data, self._facts, now)
            except PeerMessageRefused as refusal:
                return self._answered(refusal, now)
            return _Taken(message.sender, self._taken(message, now), message.content)

    @property
    def _facts(self) -> PeerReceiver:
        return PeerReceiver(
            name=self.config.own_name,
            keys=self.config.keys,
            accepts=self.config.accepts,
            is_seen=_is_seen,
            limits=LIMITS,
            rulers=self.config.rulers,
        )

    def _taken(self, message: PeerMessage, now: datetime) -> tuple[Content, ...]:
        content = message.content
        if isinstance(content, PeerAnnouncement):
            return hearing.hear(message, content, now)
        is_request = isinstance(content, RuleRequest)
        take = self.request_taker if is_request else TAKERS.get(type(content))
        if take is None:
            detail = "this version takes nothing of its kind"
            raise PeerMessageRefused(RefusalKind.MALFORMED, detail)
        return take(message.sender, content, now)

    def _answered(self, refusal: PeerMessageRefused, now: datetime) -> _Taken:
        """Return the answer to a refused message that can be answered; else raise the refusal."""
        message = refusal.message
        refuse = REFUSERS.get(type(message.content)) if message else None
        if message is None or refuse is None:
            raise refusal
        self.refusals.note(message.sender, refusal.kind, str(refusal))
        return _Taken(message.sender, refuse(message.sender, message.content, now), message.content)


def _is_seen(peer: str, nonce: str) -> bool:
    """Store a nonce in the transaction of its message; tell whether it was there before."""
    return not database.execute(
        NOTE_SEEN.format(now=database.now()), {"peer": peer, "nonce": nonce}
    )


def _answers() -> bool:
    """Tell whether the database answers, on a new connection: the old one may be broken."""
    try:
        database.connection().close()
        database.rows("SELECT 1")
    except DatabaseError:
        return False
    return True
