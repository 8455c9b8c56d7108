"""The choice of a transport for each file of a job, by peer and by size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.exceptions import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.transfers.descriptions import FileDescription

#: The transports that settings may name.
TRANSPORTS = ("inline", "storage", "http")
#: The key of the transports for peers that have none of their own.
ANY_PEER = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """The sizes that a transport can take."""

    #: Largest file in bytes; None for any.
    file_bytes: int | None = None
    #: Bytes of all files that it takes in one message; None for any.
    message_bytes: int | None = None


def preferred(preferences: Mapping[str, Sequence[str]], peer: str) -> tuple[str, ...]:
    """Return the names of the transports that settings allow for a peer, the first choice first."""
    return tuple(preferences.get(peer, preferences.get(ANY_PEER, ())))


def choose(
    preferences: Mapping[str, Sequence[str]],
    transports: Mapping[str, TransportLimits],
    *,
    peer: str,
    files: Sequence[FileDescription],
) -> dict[str, str]:
    """Return the name of the transport for each file's name.

    ``preferences`` has the names of transports for each peer, the first choice first; ``*`` stands
    for the other peers. A file goes by the first that is there and takes it. Raise TooLarge, with
    the reasons, if none does.
    """
    names = preferred(preferences, peer)
    chosen: dict[str, str] = {}
    used = dict.fromkeys(names, 0)
    for file in files:
        reasons = {name: _refusal(transports.get(name), file.size, used[name]) for name in names}
        fitting = [name for name in names if not reasons[name]]
        if not fitting:
            raise TooLarge(name=file.name, problem=_problem(peer, reasons))
        chosen[file.name] = fitting[0]
        used[fitting[0]] += file.size
    return chosen


def _refusal(limits: TransportLimits | None, size: int, used: int) -> str:
    if limits is None:
        return "is not set up"
    if limits.file_bytes is not None and size > limits.file_bytes:
        return f"takes files of up to {limits.file_bytes:,} bytes, and it has {size:,}"
    if limits.message_bytes is not None and used + size > limits.message_bytes:
        return f"takes {limits.message_bytes:,} bytes in all, and has {used:,} already"
    return ""


def _problem(peer: str, reasons: Mapping[str, str]) -> str:
    if not reasons:
        return f"no transport is set up for the peer {peer!r:.100}"
    return "no transport takes it: " + "; ".join(f"{name} {why}" for name, why in reasons.items())
