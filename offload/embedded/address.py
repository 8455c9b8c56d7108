"""The address of the embedded broker: a socket, or a loopback port if no socket is possible."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from offload.embedded.private import make_safe, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

#: Longest path of a socket on every system, in bytes, including the closing NUL.
SOCKET_PATH_BYTES_MAX = 104

#: Options of a client that checks whether the server answers: one short try.
PROBE_OPTIONS: dict[str, Any] = {"socket_timeout": 1.0, "retry": Retry(NoBackoff(), 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketAddress:
    """A socket in a directory that only its owner may enter."""

    path: str

    @property
    def url(self) -> str:
        """The address as Celery takes it."""
        return f"redis+socket://{quote(self.path)}?virtual_host=0"

    @property
    def configuration(self) -> str:
        """The lines that make the server listen here."""
        return f"port 0\nunixsocket {quoted(self.path)}\nunixsocketperm 700"

    @property
    def is_free(self) -> bool:
        """Tell whether a server can listen here; it replaces a socket that was left behind."""
        return True

    def client(self) -> redis.Redis:
        """Return a client of the server here."""
        return redis.Redis(unix_socket_path=self.path, **PROBE_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAddress:
    """A loopback port, with a password because every user of this machine can reach it."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The address as Celery takes it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def configuration(self) -> str:
        """The lines that make the server listen here."""
        return f"bind 127.0.0.1\nport {self.port}\nrequirepass {quoted(self.password)}"

    @property
    def is_free(self) -> bool:
        """Tell whether nobody else listens here."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
            return True

    def client(self) -> redis.Redis:
        """Return a client of the server here."""
        return redis.Redis(
            host="127.0.0.1", port=self.port, password=self.password, **PROBE_OPTIONS
        )


def address_in(directory: Path) -> SocketAddress | PortAddress:
    """Return the address of the server of `directory`; a chosen port is kept."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_BYTES_MAX:
        return SocketAddress(path=str(path))
    kept = read_json(directory / "address")
    return PortAddress(**kept) if kept else choose_port(directory)


def free_address_in(directory: Path) -> SocketAddress | PortAddress:
    """Return the address of the server of `directory`, or a new one if another program uses it."""
    address = address_in(directory)
    return address if address.is_free else choose_port(directory)


def choose_port(directory: Path) -> PortAddress:
    """Choose a free port and a password, and keep them in `directory`."""
    address = PortAddress(port=free_port(), password=secrets.token_urlsafe(24))
    make_safe(directory)
    write_json(directory / "address", asdict(address))
    return address


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quoted(text: str) -> str:
    """Return the text in quotes, as the server's configuration file requires."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
