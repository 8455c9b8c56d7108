"""Signatures of messages: HMAC-SHA-256 over exactly the bytes that travel.

A signed message is one line, ``offload-peer VERSION KEY SIGNATURE``, a line break, and a body.
Nothing of the body is parsed before its signature was verified.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from offload.core.exceptions import ConfigurationError
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind

#: The version of the form of messages between clusters.
PEER_VERSION = 1
#: Least length of a secret, in bytes: that of the digest.
SECRET_BYTES_MIN = 32
#: Longest line that can be one, in bytes.
LINE_BYTES_MAX = 160
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LINE = re.compile(rb"offload-peer ([0-9]{1,4}) ([A-Za-z0-9_-]{1,64}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerKey:
    """A secret that this cluster shares with one peer; its id tells it from the next one."""

    id: str
    peer: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        where = f"The key {self.id!r:.80} of the peer {self.peer!r:.80}"
        if not KEY_ID.fullmatch(self.id):
            problem = "its id is 1 to 64 letters, digits, '-' and '_'"
            raise ConfigurationError(setting=where, problem=problem)
        if len(self.secret) < SECRET_BYTES_MIN:
            problem = f"its secret has {len(self.secret)} bytes, {SECRET_BYTES_MIN} are the least"
            raise ConfigurationError(setting=where, problem=problem)


class SignedBody(NamedTuple):
    """A body whose signature was verified, and the peer whose key signed it."""

    peer: str
    body: bytes
    key_id: str = ""


def signed(body: bytes, key: PeerKey) -> bytes:
    """Return the bytes that travel."""
    return _line(key) + _signature(body, key).encode() + b"\n" + body


def verify(data: bytes, keys: tuple[PeerKey, ...]) -> SignedBody:
    """Return the body of a signed message.

    Raise PeerMessageRefused for one that no key of these signed, or of another version.
    """
    line = LINE.match(data[:LINE_BYTES_MAX])
    if line is None:
        raise PeerMessageRefused(RefusalKind.UNSIGNED, "it has no line with a signature")
    if (version := int(line[1])) != PEER_VERSION:
        detail = f"it is of version {version}, and this cluster speaks {PEER_VERSION}"
        raise PeerMessageRefused(RefusalKind.OTHER_VERSION, detail)
    # Peers choose the ids of keys without each other, so two may choose the same.
    named = [one for one in keys if one.id.encode() == line[2]]
    if not named:
        raise PeerMessageRefused(RefusalKind.FOREIGN, "the key that it names is not known here")
    body = data[line.end() :]
    for key in named:
        if hmac.compare_digest(_signature(body, key).encode(), line[3]):
            return SignedBody(key.peer, body, key.id)
    raise PeerMessageRefused(RefusalKind.UNSIGNED, "its signature does not match")


def claimed_peer(data: bytes, keys: tuple[PeerKey, ...]) -> str:
    """Return the peer whose key a message names, whoever sent it; "" if that is nobody, or several.

    Messages that are refused are counted under this name.
    """
    line = LINE.match(data[:LINE_BYTES_MAX])
    found = {one.peer for one in keys if line is not None and one.id.encode() == line[2]}
    return found.pop() if len(found) == 1 else ""


def _line(key: PeerKey) -> bytes:
    """Return the signed prefix of the body, so that version and key cannot be exchanged."""
    return f"offload-peer {PEER_VERSION} {key.id} ".encode()


def _signature(body: bytes, key: PeerKey) -> str:
    return hmac.new(key.secret, _line(key) + b"\n" + body, "sha256").hexdigest()
