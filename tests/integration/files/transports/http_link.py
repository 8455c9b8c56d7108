"""A link by HTTP: a home site in a process of its own, behind a proxy that can fail."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.tickets import Ticket
from offload.files.payloads import Stored
from offload.files.transports.http.client import HttpClient
from offload.files.transports.http.grants import GrantSigner
from offload.files.transports.http.home_transport import HomeHttpTransport
from offload.files.transports.http.remote_transport import RemoteHttpTransport
from tests.integration.files.transports.links import PEER, REMOTE, Link, pushed
from tests.integration.files.transports.proxy import Fault
from tests.integration.files.transports.server import FOLDERS, KEYS
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.transport import Transport
    from tests.integration.files.transports.proxy import Proxy

ROOT = Path(__file__).parents[4]
MODULE = "tests.integration.files.transports.server"


@dataclass(kw_only=True)
class Server:
    """The process of a home site, and the folder that it works in."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, at the same port as before; return when it listens."""
        for name in FOLDERS:
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "port").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.files.transports.server",
                self.folder,
                str(self.port),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "OFFLOAD_VAR": str(self.folder / "var"),
            },
        )
        ready = self.folder / "port"
        eventually(lambda: ready.exists() or self.process.poll() is not None, within=60)  # type: ignore[union-attr]
        assert self.process.poll() is None, "The server ended."
        self.port = int(ready.read_text())

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def clear(self) -> None:
        """Remove all files."""
        for name in FOLDERS:
            for path in (self.folder / name).rglob("*"):
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                    path.unlink()
        (self.folder / "refused").unlink(missing_ok=True)

    def refusals(self) -> list[str]:
        """Return the refusals it counted."""
        refused = self.folder / "refused"
        return refused.read_text().splitlines() if refused.exists() else []


class OlderHome(HomeHttpTransport):
    """A home of a version that takes one file at a time."""

    def invite(self, transfer: Transfer) -> Ticket:
        """Return a ticket that says nothing of batches."""
        made = super().invite(transfer)
        return Ticket(transport=made.transport, data={"grant": made.data["grant"]})


@dataclass(kw_only=True)
class HttpLink(Link):
    """By HTTP."""

    server: Server
    proxy: Proxy
    client: HttpClient = field(init=False)
    signer: GrantSigner = field(default_factory=lambda: GrantSigner(key=KEYS.get))
    #: Whether home says that it takes several small files in one request.
    takes_batches: bool = True

    def __post_init__(self) -> None:
        address = f"http://127.0.0.1:{self.proxy.port}/offload/files/{PEER}"
        self.client = HttpClient(address, connect=20.0, read=20.0)

    def homes(self, root: Path) -> list[Path]:
        """Return the folders of the storages of both sides."""
        return [self.server.folder / "home", root / REMOTE]

    def home(self) -> Transport:
        """Return the transport of home."""
        made = HomeHttpTransport if self.takes_batches else OlderHome
        return made(self.signer)

    def transport(self) -> Transport:
        """Return the transport of the remote side."""
        return RemoteHttpTransport(self.client)

    def cut(self, *sizes: int) -> None:
        """Cut the next connections after so many bytes, in either direction."""
        self.client.close()
        self.proxy.faults.clear()
        self.proxy.faults.extend(Fault(cut_request=2 * n, cut_response=2 * n) for n in sizes)

    def leftovers(self) -> list[str]:
        """Return what lies in the folder of uploads."""
        return [path.name for path in (self.server.folder / "uploads").iterdir()]

    def offered(
        self,
        direction: Direction,
        transfers: Mapping[str, Transfer],
        contents: Mapping[str, bytes],
        told_held: Collection[str],
    ) -> dict[str, bytes]:
        """Offer inputs for the remote side to fetch; invite it to push outputs."""
        if direction is Direction.OUTPUT:
            pushed(self, self.home(), self.transport(), transfers, contents)
            return {name: self.output(one) for name, one in transfers.items()}
        for content in contents.values():
            (self.server.folder / "inputs" / sha256(content).hexdigest()).write_bytes(content)
        return super().offered(direction, transfers, contents, told_held)

    def output(self, transfer: Transfer) -> bytes:
        """Return what home has stored."""
        noted = json.loads((self.server.folder / "accepted" / transfer.key).read_text())
        stored = Stored(**noted)
        content = (self.server.folder / "home" / stored.location).read_bytes()
        assert (stored.size, stored.sha256) == (len(content), transfer.file.sha256)
        return content
