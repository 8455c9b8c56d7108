"""Where the embedded broker listens: a socket, or a loopback port where no socket can be."""

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

#: Bytes that every system allows in the path of a socket, its closing NUL included.
SOCKET_PATH_LIMIT = 104

#: Of a look whether the server answers: one try, and not long.
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
        """Whether a server can listen here; it takes the place of a socket left behind."""
        return True

    def client(self) -> redis.Redis:
        """Return a client of the server here."""
        return redis.Redis(unix_socket_path=self.path, **PROBE_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAddress:
    """A loopback port; every user of this machine reaches it, hence the password."""

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
        """Whether nobody else listens here."""
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
    """Return the address of the server of `directory`; a port is chosen once and then kept."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_LIMIT:
        return SocketAddress(path=str(path))
    kept = read_json(directory / "address")
    return PortAddress(**kept) if kept else choose_port(directory)


def free_address_in(directory: Path) -> SocketAddress | PortAddress:
    """Return the address of the server of `directory`, a new one if another program took it."""
    address = address_in(directory)
    return address if address.is_free else choose_port(directory)


def choose_port(directory: Path) -> PortAddress:
    """Choose a port nobody listens at, and a password, and keep them in `directory`."""
    address = PortAddress(port=free_port(), password=secrets.token_urlsafe(24))
    make_safe(directory)
    write_json(directory / "address", asdict(address))
    return address


def free_port() -> int:
    """Return a loopback port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quoted(text: str) -> str:
    """Return the text in quotes, as a configuration file of the server has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
