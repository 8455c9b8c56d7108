"""A message between two clusters, from its value to the bytes that travel and back."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from offload.core.moments import between
from offload.core.peers.contents import PeerEnvelope, RuleRequest
from offload.core.peers.encoding import (
    kind_of,
    malformed,
    packed,
    read_json,
    unpacked,
)
from offload.core.peers.field_checks import is_name
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.peers.signing import PeerKey, signed, verify
from offload.core.topics import RUN_TOPIC
from offload.core.workflows import whole_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.peers.contents import Content
    from offload.core.peers.permissions import PeerPatterns

#: 128 bits.
NONCE_BYTES = 16
NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerLimits:
    """The bounds of what is accepted from another cluster."""

    size_bytes: int = 1 << 20
    #: Seconds from its signing for which a message is accepted.
    age_seconds: float = 300.0
    #: Seconds by which the clocks of two clusters may differ.
    skew_seconds: float = 60.0

    @property
    def memory_seconds(self) -> float:
        """Return for how long after its arrival a message could be accepted once more."""
        return self.age_seconds + 2 * self.skew_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerMessage:
    """A message from one cluster to another."""

    sender: str
    receiver: str
    sent_at: datetime
    #: New for each signing: a resend has the same content and another nonce.
    nonce: str
    content: Content
    #: The id of the key that signed it, once that was verified.
    key_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerReceiver:
    """The facts by which a cluster judges what arrives."""

    name: str
    keys: tuple[PeerKey, ...]
    accepts: PeerPatterns
    #: Whether a nonce was received before from a sender.
    is_seen: Callable[[str, str], bool]
    limits: PeerLimits = PeerLimits()
    #: The clusters that may change rules here.
    rulers: frozenset[str] = frozenset()


def new_nonce() -> str:
    """Return a random nonce."""
    return secrets.token_hex(NONCE_BYTES)


def write(message: PeerMessage, key: PeerKey, limits: PeerLimits) -> bytes:
    """Return a message as the bytes that travel.

    Raise PeerMessageRefused for one that is larger than its receiver would take.
    """
    parsed = {
        "from": message.sender,
        "to": message.receiver,
        "at": message.sent_at.timestamp(),
        "nonce": message.nonce,
        "kind": kind_of(message.content),
        "content": packed(message.content),
    }
    body = json.dumps(parsed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    data = signed(body.encode(), key)
    _check_size(data, limits)
    return data


def read(data: bytes, receiver: PeerReceiver, now: datetime) -> PeerMessage:
    """Return the message that some bytes are; the receiver stores its nonce with what it does.

    Raise PeerMessageRefused, with the first reason found.
    """
    _check_size(data, receiver.limits)
    verified = verify(data, receiver.keys)
    message = replace(_parsed(read_json(verified.body), receiver.limits), key_id=verified.key_id)
    if message.sender != verified.peer or message.receiver != receiver.name:
        raise PeerMessageRefused(RefusalKind.FOREIGN, "its sender or receiver is another cluster")
    _check_age(message, receiver.limits, now)
    if receiver.is_seen(message.sender, message.nonce):
        raise PeerMessageRefused(RefusalKind.REPLAYED, "its nonce was received before")
    _check_permission(message, receiver.accepts)
    _check_rule(message, receiver.rulers)
    return message


def _check_size(data: bytes, limits: PeerLimits) -> None:
    if len(data) > limits.size_bytes:
        detail = f"it has {len(data)} bytes, {limits.size_bytes} are allowed"
        raise PeerMessageRefused(RefusalKind.OVERSIZED, detail)


def _parsed(parsed: object, limits: PeerLimits) -> PeerMessage:
    if not isinstance(parsed, dict):
        raise malformed("it is not an object")
    if not is_name(parsed.get("from")) or not is_name(parsed.get("to")):
        raise malformed("it names no sender or no receiver")
    nonce = parsed.get("nonce")
    if not isinstance(nonce, str) or not NONCE.fullmatch(nonce):
        raise malformed("its nonce is invalid")
    return PeerMessage(
        sender=parsed["from"],
        receiver=parsed["to"],
        sent_at=_moment(parsed.get("at")),
        nonce=nonce,
        content=unpacked(parsed.get("kind"), parsed.get("content"), limits.size_bytes),
    )


def _moment(parsed: object) -> datetime:
    if isinstance(parsed, bool) or not isinstance(parsed, int | float):
        raise malformed("its time is invalid")
    try:
        return datetime.fromtimestamp(parsed, UTC)
    except (ValueError, OverflowError, OSError):
        raise malformed("its time is invalid") from None


def _check_age(message: PeerMessage, limits: PeerLimits, now: datetime) -> None:
    age = between(message.sent_at, now)
    if age > limits.age_seconds + limits.skew_seconds or age < -limits.skew_seconds:
        detail = f"it was signed {age:.0f} s ago by the clock here"
        raise PeerMessageRefused(RefusalKind.OLD, detail)


def _check_permission(message: PeerMessage, accepts: PeerPatterns) -> None:
    content = message.content
    if not isinstance(content, PeerEnvelope):
        return
    for topic in _topics(content):
        if not accepts.permits(message.sender, topic):
            detail = f"no pattern accepts {topic} from {message.sender}"
            raise PeerMessageRefused(RefusalKind.NOT_PERMITTED, detail, message)


def _topics(envelope: PeerEnvelope) -> tuple[str, ...]:
    """Return the topics of which a job may be made: of a whole run, those of all its steps."""
    run = whole_runs.read(envelope.properties) if envelope.topic == RUN_TOPIC else None
    return run.topics if run else (envelope.topic,)


def _check_rule(message: PeerMessage, rulers: frozenset[str]) -> None:
    """Refuse a request of a cluster that may not rule; what it takes back does no harm."""
    content = message.content
    if isinstance(content, RuleRequest) and message.sender not in rulers:
        if content.is_withdrawn:
            return
        detail = f"MAY_RULE does not let {message.sender} change rules here"
        raise PeerMessageRefused(RefusalKind.NOT_PERMITTED, detail, message)
