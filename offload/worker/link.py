"""The socket between a worker's parent process and its agent: one JSON value per packet."""

from __future__ import annotations

import json
import socket
from typing import Any

#: Larger than any snapshot: a packet is read whole or not at all.
LARGEST = 1 << 20


class Link:
    """One end; packets may be lost, since a full snapshot follows soon."""

    def __init__(self, end: socket.socket) -> None:
        """Take an end of a pair of packet sockets."""
        self._end = end
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, LARGEST)

    @classmethod
    def pair(cls) -> tuple[Link, Link]:
        """Return two connected ends."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Link:
        """Return the end that was inherited under this descriptor."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._end.fileno()

    def send(self, value: dict[str, Any]) -> bool:
        """Send a value; return whether it went."""
        try:
            self._end.send(json.dumps(value).encode(), socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Return the next value, or None where the other end is closed or time is up."""
        self._end.settimeout(timeout)
        try:
            packet = self._end.recv(LARGEST)
        except OSError:
            return None
        return dict(json.loads(packet)) if packet else None

    def close(self) -> None:
        """Close this end."""
        self._end.close()
