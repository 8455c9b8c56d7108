"""A proxy between two sites that does to connections what networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A chunk with more bytes than this ends with a part of a file: headers are shorter.
HEADERS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one connection."""

    #: Bytes of the request, and of the response, after which both sides are cut off.
    cut_request: int | None = None
    cut_response: int | None = None
    #: Change a byte of a file in that direction.
    corrupts_request: bool = False
    corrupts_response: bool = False
    #: Change a byte of each chunk of a file in both directions.
    corrupts_all: bool = False
    #: Seconds between small chunks of the response.
    drip: float = 0.0
    #: What is answered in place of the other side.
    answer: bytes = b""


class Proxy:
    """Passes connections on; the next ones meet the next of `faults`, or `always` the same."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.connections = 0
        self._clients: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """Cut off all connections, also from what they have yet to pass on."""
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            # Before its fault is chosen: one that a cut does not know has the faults from then on.
            self._clients.add(client)
            fault = self.faults.popleft() if self.faults else self.always or Fault()
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client: socket.socket, fault: Fault) -> None:
        try:
            self._pass(client, fault)
        finally:
            self._clients.discard(client)

    def _pass(self, client: socket.socket, fault: Fault) -> None:
        with client, contextlib.suppress(OSError):
            if fault.answer:
                client.recv(65536)
                client.sendall(fault.answer)
                client.shutdown(socket.SHUT_WR)
                # Reading on lets the client see the answer before the connection is reset.
                while client.recv(65536):
                    pass
                return
            with socket.create_connection(("127.0.0.1", self.upstream)) as server:
                self._pump_both(client, server, fault)

    def _pump_both(self, client: socket.socket, server: socket.socket, fault: Fault) -> None:
        there = threading.Thread(
            target=_pump,
            args=(
                client,
                server,
                fault.cut_request,
                fault.corrupts_request,
                0.0,
                fault.corrupts_all,
            ),
            daemon=True,
        )
        there.start()
        corrupts = fault.corrupts_response
        _pump(server, client, fault.cut_response, corrupts, fault.drip, fault.corrupts_all)
        there.join()


def _pump(
    source: socket.socket,
    target: socket.socket,
    cut: int | None,
    corrupts: bool,
    drip: float,
    corrupts_all: bool,
) -> None:
    """Pass bytes on until a side ends, or the cut; then cut both off."""
    with contextlib.suppress(OSError):
        for chunk in _chunks(source, cut, drip):
            if (corrupts or corrupts_all) and len(chunk) > HEADERS_MAX:
                corrupts = False
                chunk[-1] ^= 1
            target.sendall(chunk)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _chunks(source: socket.socket, cut: int | None, drip: float) -> Iterator[bytearray]:
    passed = 0
    while cut is None or passed < cut:
        most = 16 if drip else 65536
        chunk = bytearray(source.recv(most if cut is None else min(most, cut - passed)))
        if not chunk:
            return
        passed += len(chunk)
        time.sleep(drip)
        yield chunk
