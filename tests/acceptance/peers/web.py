"""The web server of a cluster's site, in a process of its own that a test can end and start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.embedded.tether import tethered
from tests.acceptance.fleet import ROOT
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.place import Place

#: Seconds in which it must answer on a busy machine.
START_LIMIT = 240.0


@dataclass(slots=True)
class Web:
    """A web server at an address that stays."""

    place: Place
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "tests.acceptance.site.web", str(self.port)]
        with (self.place.folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                tethered(command),
                cwd=ROOT,
                env={**os.environ, **self.place.variables},
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, within=START_LIMIT, what="the web server answers")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.place.folder / "web.log").read_text()
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """End it as the system would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def parts(self) -> list[Path]:
        """Return the files of uploads that are not complete."""
        folder = self.place.folder / "uploads"
        return sorted(folder.iterdir()) if folder.exists() else []

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Let it read bodies slowly for a block."""
        flag = self.place.folder / "slow"
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def address(port: int) -> str:
    """Return where a site at a port has the addresses of files."""
    return f"http://127.0.0.1:{port}/offload"
