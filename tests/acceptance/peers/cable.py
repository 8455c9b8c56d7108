"""A cable between a cluster and the broker, which can be cut, or keep what passes."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.servers import Broker

CHUNK_BYTES = 65536


class Cable:
    """Passes connections on to a server until it is cut."""

    def __init__(self, broker: Broker) -> None:
        """Listen at a free port for what goes to the broker."""
        self._server = urlsplit(broker.url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._lost: tuple[bytes, ...] = ()
        self._passes = threading.Event()
        self._passes.set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address at which clients reach the broker through this."""
        user, at, _ = self._server.netloc.rpartition("@")
        return f"redis://{user}{at}127.0.0.1:{self._listener.getsockname()[1]}/0"

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        with self._lock:
            self._is_cut = True
            ends = list(self._ends)
        for one in ends:
            _shut(one)

    def hold(self) -> None:
        """Let nothing pass, and say so to nobody: connections stand, and wait."""
        self._passes.clear()

    def lose(self, what: str) -> None:
        """Let anything vanish that the server says of this."""
        self._lost = (what.encode(),)

    def mend(self) -> None:
        """Let everything pass again, first what was held."""
        with self._lock:
            self._is_cut = False
        self._lost = ()
        self._passes.set()

    def close(self) -> None:
        """Leave no connection and no thread."""
        self.cut()
        self._passes.set()
        _shut(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), self._end() as server:
            if not self._add(client, server):
                return
            there = threading.Thread(target=self._pump, args=(client, server), daemon=True)
            there.start()
            self._pump(server, client, loses=self._loses)
            there.join()
            with self._lock:
                self._ends -= {client, server}

    @contextmanager
    def _end(self) -> Iterator[socket.socket]:
        """Connect to the server for a block."""
        if port := self._server.port:
            with socket.create_connection((self._server.hostname, port)) as end:
                yield end
            return
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(unquote(self._server.path))
            yield end

    def _add(self, *ends: socket.socket) -> bool:
        with self._lock:
            if not self._is_cut:
                self._ends.update(ends)
            return not self._is_cut

    def _loses(self, chunk: bytes) -> bool:
        return any(one in chunk for one in self._lost)

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        *,
        loses: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._passes.wait()
                if not loses(chunk):
                    target.sendall(chunk)
        for one in (source, target):
            _shut(one)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cable(broker: Broker) -> Iterator[Cable]:
    """Lay a cable to a broker for a block."""
    made = Cable(broker)
    try:
        yield made
    finally:
        made.close()
