"""A stream between a worker's parent process and its agent that loses nothing while both live.

The agent's end is a ``multiprocessing.connection.Connection``. The parent process has this one,
which never blocks its event loop.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The header of a message of that class: its length in bytes.
LENGTH = struct.Struct("!i")
READ_BYTES = 1 << 18


class Channel:
    """The parent process's end; messages are pickled values."""

    def __init__(self, end: socket.socket) -> None:
        """Take a connected stream socket."""
        end.setblocking(False)
        self._end = end
        self._out = bytearray()
        self._in = bytearray()
        self.is_closed = False

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """Return this end, and the socket for the agent."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._end.fileno()

    @property
    def has_rest(self) -> bool:
        """Return whether something waits for room in the socket."""
        return bool(self._out)

    def send(self, value: Any) -> None:
        """Send a value, as far as there is room; ``flush`` sends the rest."""
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self._out += LENGTH.pack(len(data)) + data
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as there is room."""
        try:
            while self._out:
                del self._out[: self._end.send(self._out)]
        except BlockingIOError:
            return
        except OSError:
            self.is_closed = True

    def receive(self) -> Iterator[Any]:
        """Yield the values that have arrived; note whether the other end is closed."""
        self._read()
        while len(self._in) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._in)[0]
            if len(self._in) < end:
                return
            value = pickle.loads(self._in[LENGTH.size : end])  # noqa: S301
            del self._in[:end]
            yield value

    def _read(self) -> None:
        try:
            while data := self._end.recv(READ_BYTES):
                self._in += data
                if len(data) < READ_BYTES:
                    return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.is_closed = True

    def close(self) -> None:
        """Close this end."""
        self._end.close()
