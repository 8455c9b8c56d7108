"""Why a message of another cluster is refused: typed for programs, a sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import Explained

if TYPE_CHECKING:
    from offload.core.peers.messages import PeerMessage


class RefusalKind(Explained):
    """The reason why a message is refused; the first one found is reported."""

    OVERSIZED = "oversized", "It is larger than a message may be."
    UNSIGNED = "unsigned", "It is not signed, or was changed after it was."
    OTHER_VERSION = "other_version", "It is of another version of the protocol between clusters."
    FOREIGN = "foreign", "It is not from a cluster known here, or for another one."
    MALFORMED = "malformed", "It is signed, but nothing that this version sends."
    OLD = "old", "It was signed too long ago, or the clocks of the clusters differ."
    REPLAYED = "replayed", "It was received before."
    FAILED = "failed", "An error here kept it from being taken; the log has it."
    FILE = "file", "It asked for a file, or brought one, by an address that is not good for that."
    STALE = "stale", "It reports a run that was taken back; its result is not used."
    NOT_PERMITTED = "not_permitted", "The cluster that sent it may not ask for this."


class PeerMessageRefused(Exception):
    """A message is refused; the text says why, without its content."""

    def __init__(self, kind: RefusalKind, detail: str, message: PeerMessage | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        #: The refused message, if it can be answered: it is authentic, but not permitted.
        self.message = message
