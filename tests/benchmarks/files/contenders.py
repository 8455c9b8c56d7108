"""The servers of both contenders, and what each of them does with the same files."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[3]
#: Debian installs it where only the superuser's path looks.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
TOOLS = ("curl", "sha256sum", "tar")
CONFIGURATION = """
user {user}; daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1;
events {{}}
http {{
  access_log off; sendfile on;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def missing() -> list[str]:
    """Return the programs of the shell's contender that are not installed."""
    there = {one: shutil.which(one) for one in TOOLS} | {"nginx": NGINX}
    return sorted(name for name, path in there.items() if path is None)


@dataclass(frozen=True, slots=True)
class Ours:
    """A home site that granian serves, and the remote side."""

    folder: Path
    port: int
    process: psutil.Process

    def carry(self, what: str, sources: Path) -> dict[str, float]:
        """Fetch or push the files of a folder; return the seconds, and the growth in bytes."""
        for name in ("accepted", "home", "uploads"):
            shutil.rmtree(self.folder / "site" / name, ignore_errors=True)
            (self.folder / "site" / name).mkdir()
        shutil.rmtree(self.folder / "remote", ignore_errors=True)
        before = self.memory()
        address = f"http://127.0.0.1:{self.port}/offload"
        command = [sys.executable, "-m", f"{__package__}.remote", what]
        done = subprocess.run(
            [*command, self.folder, address, sources],
            cwd=ROOT, env=_environment(self.folder), capture_output=True, check=True, text=True,
        )  # fmt: skip
        found: dict[str, float] = json.loads(done.stdout)
        found["grown"] = max(found["grown"], self.memory() - before)
        return found

    def memory(self) -> int:
        """Return the memory of the server's processes, in bytes."""
        all_ = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_info().rss for one in all_)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "OFFLOAD_VAR": str(folder / "var"),
        "BENCH_FILES": str(folder / "site"),
    }


@contextmanager
def ours(folder: Path, sources: Sequence[Path]) -> Iterator[Ours]:
    """Serve the files as inputs of jobs for a block."""
    inputs = folder / "site" / "inputs"
    inputs.mkdir(parents=True)
    for path in (one for source in sources for one in source.iterdir()):
        found = subprocess.run(["sha256sum", path], capture_output=True, check=True, text=True)
        os.link(path, inputs / found.stdout.split()[0])
    port = _free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--blocking-threads", "8",
        "--host", "127.0.0.1", "--port", str(port), "--no-access-log",
        f"{__package__}.served:application",
    ]  # fmt: skip
    with _running(command, port, _environment(folder)) as process:
        yield Ours(folder, port, psutil.Process(process.pid))


@contextmanager
def _running(
    command: Sequence[object], port: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [str(one) for one in command]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ask = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]
            eventually(
                lambda: subprocess.run(ask, check=False).returncode == 0,
                within=60.0, what="the server answers",
            )  # fmt: skip
            yield process
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Shell:
    """nginx, and a shell that gets its files."""

    folder: Path
    port: int

    def get(self, path: Path) -> float:
        """Get a file and compute its SHA-256; return the seconds."""
        url = f"http://127.0.0.1:{self.port}/{path.relative_to(self.folder)}"
        return self._run(f"curl -sf -o got {url} && sha256sum got")

    def get_tar(self, source: Path) -> float:
        """Pack a folder, get it by one request, unpack and hash its files; return the seconds."""
        url = f"http://127.0.0.1:{self.port}/all.tar"
        unpack = f"mkdir -p x && cd x && tar xf ../got.tar && sha256sum {source.name}/*"
        return self._run(f"tar cf all.tar {source.name} && curl -sf -o got.tar {url} && {unpack}")

    def _run(self, script: str) -> float:
        shutil.rmtree(self.folder / "x", ignore_errors=True)
        begun = time.monotonic()
        subprocess.run(["sh", "-c", script], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begun


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """Let nginx serve a folder for a block."""
    own, port = folder / "nginx", _free_port()
    own.mkdir()
    written = CONFIGURATION.format(folder=own, port=port, root=folder, user=getpass.getuser())
    (own / "nginx.conf").write_text(written, encoding="utf-8")
    with _running([NGINX, "-c", own / "nginx.conf"], port, dict(os.environ)):
        yield Shell(folder, port)
