"""The socket between a worker's parent process and its agent: JSON values in packets."""

from __future__ import annotations

import json
import select
import socket
from typing import Any

#: Largest packet in bytes, including its mark; some reports are larger than the system allows.
PACKET_BYTES = 1 << 16
#: Size of the socket's buffer in bytes, as far as the system allows.
BUFFER_BYTES = 1 << 20
#: Milliseconds to wait for room in the socket for the rest of a value.
SEND_TIMEOUT_MILLISECONDS = 1000
#: Marks of packets: a whole value, or its first, a middle, or its last part.
WHOLE, FIRST, MORE, LAST = b"w", b"f", b"m", b"l"


class Link:
    """One end of the link; values may get lost, as a full report follows soon."""

    def __init__(self, end: socket.socket) -> None:
        """Take an end of a pair of packet sockets."""
        self._end = end
        self._parts: list[bytes] = []
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)

    @classmethod
    def pair(cls) -> tuple[Link, Link]:
        """Return two connected ends."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Link:
        """Return the end of an inherited descriptor."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._end.fileno()

    def send(self, value: dict[str, Any]) -> bool:
        """Send a value; return whether it was sent.

        Threads may send at once, as long as only one of them sends values of several packets.
        """
        try:
            for number, packet in enumerate(_packets(json.dumps(value).encode())):
                if number:
                    self._await_room()
                self._end.send(packet, socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def _await_room(self) -> None:
        poll = select.poll()
        poll.register(self._end, select.POLLOUT)
        poll.poll(SEND_TIMEOUT_MILLISECONDS)

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Return the next value, or None if the other end is closed or time is up."""
        self._end.settimeout(timeout)
        while packet := self._packet():
            value = self._value(packet[:1], packet[1:])
            if value is not None:
                return value
        return None

    def _packet(self) -> bytes:
        try:
            return self._end.recv(PACKET_BYTES)
        except OSError:
            return b""

    def _value(self, mark: bytes, part: bytes) -> dict[str, Any] | None:
        """Return the value that this part completes, or None; drop values that lost a part."""
        if mark == WHOLE:
            return _read(part)
        self._parts = [part] if mark == FIRST else [*self._parts, part]
        if mark != LAST:
            return None
        whole, self._parts = b"".join(self._parts), []
        return _read(whole)

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def _packets(data: bytes) -> list[bytes]:
    size = PACKET_BYTES - 1
    if len(data) <= size:
        return [WHOLE + data]
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    marks = [FIRST, *[MORE] * (len(parts) - 2), LAST]
    return [mark + part for mark, part in zip(marks, parts, strict=True)]


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        return dict(json.loads(data))
    except ValueError:
        return None
