"""Grants: signed texts in addresses, each good for one file of one job, one way, for some time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.signing import BadSignature, Signer

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.descriptions import parse_transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.transfers.descriptions import Transfer

#: Sets these signatures apart from all others that are made with the key.
SALT = "offload.files.transports.http"
#: The end of the address of batches; no grant is such a text.
BATCH = "batch"
#: Longest grant, in characters; a file's name is the longest part of it.
GRANT_MAX = 4_096


class InvalidGrant(Exception):
    """A text that this site did not sign, or not with this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The right to one transfer, until a time in seconds since 1970 by home's clock."""

    transfer: Transfer
    until: float


def _none(_: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSigner:
    """Makes grants for the peers whose keys this site has."""

    #: Returns the key that is shared with a peer; None for a stranger.
    key: Callable[[str], str | None]
    #: Returns the other keys whose signatures still count, while a peer's key is being replaced.
    others: Callable[[str], Sequence[str]] = _none
    #: Seconds that a grant is good for.
    lifetime: float = 86_400.0
    clock: Callable[[], float] = time.time

    def grant(self, transfer: Transfer) -> str:
        """Return the grant of a transfer; raise LookupError if its peer has no key."""
        key = self.key(transfer.peer)
        if not key:
            raise LookupError(f"There is no key for the peer {transfer.peer!r:.100}.")
        packed = {"transfer": transfer.packed(), "until": self.clock() + self.lifetime}
        return _signer(key).sign_object(packed)

    def read(self, peer: str, text: str) -> Grant:
        """Return the grant that a text of this peer is; raise InvalidGrant if it is invalid."""
        key = self.key(peer)
        if not key or len(text) > GRANT_MAX:
            raise InvalidGrant
        try:
            # The signature is verified, in constant time, before anything of it is read.
            packed = _signer(key, self.others(peer)).unsign_object(text)
            grant = Grant(transfer=parse_transfer(packed["transfer"]), until=packed["until"])
        except (BadSignature, InvalidTicket, ValueError, KeyError, TypeError) as error:
            raise InvalidGrant from error
        if grant.transfer.peer != peer:
            raise InvalidGrant
        return grant

    def is_over(self, grant: Grant) -> bool:
        """Return whether a grant's time is over."""
        return self.clock() >= grant.until


def _signer(key: str, others: Sequence[str] = ()) -> Signer:
    # Unless it is told, Django would also take the site's former secret keys.
    return Signer(key=key, salt=SALT, fallback_keys=list(others))
