from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import psutil
import pytest

from offload.embedded.tether import tethered
from tests.acceptance.peers.web import free_port
from tests.acceptance.project.streaming import LONG, PIECE
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Bytes that a process may take for bodies, however long they are.
ROOM = 48 * 2**20
STREAMING = "tests.acceptance.project.streaming"


class Served:
    """A running server, its port, and the process that answers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        eventually(self.answers, within=120, what="the server")
        [self.worker] = psutil.Process(process.pid).children()

    def answers(self) -> bool:
        """Tell whether it takes connections."""
        assert self.process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self, head: str) -> socket.socket:
        """Begin a request."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        connection.sendall(f"{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode())
        return connection

    @property
    def memory(self) -> int:
        """Return the bytes that the answering process has in memory."""
        size: int = self.worker.memory_info().rss
        return size


@contextmanager
def served(root: Path, folder: Path, settings: str = "project.settings") -> Iterator[Served]:
    """Serve a site for the block."""
    port = free_port()
    (folder / "author/static").mkdir(parents=True, exist_ok=True)
    variables = {"DJANGO_SETTINGS_MODULE": settings, "OFFLOAD_VAR": str(folder)}
    command = tethered([sys.executable, "-m", "project.server", str(port)])
    with subprocess.Popen(command, cwd=root, env={**os.environ, **variables}) as process:
        try:
            yield Served(process, port)
        finally:
            process.terminate()
            assert process.wait(60) == 0


def collect(root: Path, folder: Path) -> None:
    """Collect the site's static files."""
    variables = {"DJANGO_SETTINGS_MODULE": "project.settings", "OFFLOAD_VAR": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=root, env={**os.environ, **variables}, check=True)


def got(site: Served, address: str) -> tuple[bytes, str]:
    """Return what is at an address, and its media type."""
    client = HTTPConnection("127.0.0.1", site.port, timeout=120)
    client.request("GET", address)
    answer = client.getresponse()
    content = answer.read()
    client.close()
    return content, answer.headers["Content-Type"]


def test_it_sends_pages_and_the_static_files_that_were_collected(
    root: Path, tmp_path: Path
) -> None:
    collect(root, tmp_path)
    with served(root, tmp_path) as site:
        page, _ = got(site, "/")
        style, kind = got(site, "/static/admin/css/base.css")

    assert "An asset store" in page.decode()
    assert kind == "text/css"
    assert style == (tmp_path / "author/static/admin/css/base.css").read_bytes()


def test_a_body_is_read_while_it_comes_and_takes_no_memory(root: Path, tmp_path: Path) -> None:
    with served(root, tmp_path, STREAMING) as site:
        before = site.memory
        with site.connect("PUT /") as client:
            client.sendall(f"Content-Length: {LONG}\r\n\r\n".encode())
            for _ in range(LONG // PIECE):
                client.sendall(b"x" * PIECE)
            said = client.recv(PIECE).rpartition(b"\r\n\r\n")[2].split()

        assert 0 < int(said[0]) <= PIECE
        assert int(said[1]) == LONG
        assert site.memory - before < ROOM


def test_a_long_answer_waits_for_a_client_that_reads_slowly(root: Path, tmp_path: Path) -> None:
    with served(root, tmp_path, STREAMING) as site:
        before, got = site.memory, 0
        with site.connect("GET /") as client:
            client.sendall(b"\r\n")
            client.recv(1)
            assert site.memory - before < ROOM
            while piece := client.recv(PIECE):
                got += len(piece)

        assert got > LONG - PIECE
        assert site.memory - before < ROOM


@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_no_part_of_it_outlives_the_other(root: Path, tmp_path: Path, victim: str) -> None:
    (tmp_path / "author/static").mkdir(parents=True)
    port = free_port()
    variables = {"DJANGO_SETTINGS_MODULE": STREAMING, "OFFLOAD_VAR": str(tmp_path)}
    command = tethered([sys.executable, "-m", "project.server", str(port)])
    process = subprocess.Popen(command, cwd=root, env={**os.environ, **variables})
    site = Served(process, port)

    (process if victim == "parent" else site.worker).kill()

    process.wait(60)
    eventually(lambda: has_ended(site.worker), what="its end")
