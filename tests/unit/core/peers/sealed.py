"""Messages between clusters, sealed and read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from offload.core.peers.contents import PeerEnvelope
from offload.core.peers.encoding import packed
from offload.core.peers.messages import PeerLimits, PeerMessage, PeerReceiver, read, write
from offload.core.peers.permissions import PeerPatterns
from offload.core.peers.refusal import PeerMessageRefused
from offload.core.peers.signing import PeerKey, signed

NOW = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
LIMITS = PeerLimits(size_bytes=4096, age_seconds=300, skew_seconds=60)
KEY = PeerKey(id="2026-03", peer="render", secret=b"k" * 32)
OTHER_KEY = PeerKey(id="print-1", peer="print", secret=b"p" * 32)
JOB = PeerEnvelope(job_id="one", epoch=7, topic="dam/web", instance="r@gpu", properties={"w": 1})
MESSAGE = PeerMessage(
    sender="render", receiver="home", sent_at=NOW, nonce="0" * 31 + "1", content=JOB
)
RECEIVER = PeerReceiver(
    name="home",
    keys=(OTHER_KEY, KEY),
    accepts=PeerPatterns.parse({"render": ["dam/*"], "print": ["**"]}),
    is_seen=lambda sender, nonce: (sender, nonce) == ("render", "0" * 32),
    limits=LIMITS,
)


def sealed(message: PeerMessage = MESSAGE, key: PeerKey = KEY) -> bytes:
    """Return a message as its bytes."""
    return write(message, key, LIMITS)


def said(**changes: object) -> bytes:
    """Return a signed message with other facts than a cluster writes."""
    body: dict[str, Any] = json.loads(sealed().partition(b"\n")[2])
    return signed(json.dumps({**body, **changes}).encode(), KEY)


def content(**changes: object) -> bytes:
    """Return a signed message about a job with other fields than a cluster writes."""
    return said(content={**packed(JOB), **changes})


def said_of(kind: str, content: object) -> bytes:
    """Return a signed message of a kind, whatever is in it."""
    return said(kind=kind, content=content)


def refusal(data: bytes, receiver: PeerReceiver = RECEIVER) -> PeerMessageRefused:
    """Return why some bytes are refused."""
    with pytest.raises(PeerMessageRefused) as caught:
        read(data, receiver, NOW)
    return caught.value
