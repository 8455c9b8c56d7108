"""The worker of a turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from offload.embedded.tether import tethered
from tests.benchmarks.site.identity import FOLDER, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONCURRENCY = 4
COMMAND = [
    sys.executable, "-m", "celery", "-A", "tests.benchmarks.site.celery", "worker",
    "-c", str(CONCURRENCY), "-l", "WARNING",
    "--without-gossip", "--without-mingle", "--without-heartbeat",
]  # fmt: skip
#: What tells a process that it is of the other cluster.
PEER = {"BENCH_SIDE": "peer"}
#: Seconds that it gets to end by itself.
GRACE = 15.0
LAST_LINES = 25


class Worker:
    """The program, and what it said."""

    def __init__(self, program: subprocess.Popen[bytes], log: Path) -> None:
        """Take the program and its log."""
        self._program = program
        self._log = log

    @property
    def has_ended(self) -> bool:
        """Return whether it does not run any more."""
        return self._program.poll() is not None

    @property
    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def end(self) -> None:
        """End it, by force if it must be; its agent follows."""
        self._program.terminate()
        try:
            self._program.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()


@contextmanager
def running(side: str = "here", **variables: str) -> Iterator[Worker]:
    """Run the worker for the block; it dies with this process.

    ``side`` is where it is, ``variables`` are those of its environment beside those of this one's.
    """
    path = FOLDER / f"worker-{side}.log"
    with path.open("wb") as log:
        worker = Worker(
            subprocess.Popen(
                tethered([*COMMAND, "-n", f"{NAME}@{side}"], on_death=signal.SIGKILL),
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            ),
            path,
        )
    try:
        yield worker
    finally:
        worker.end()


@contextmanager
def peer_running() -> Iterator[Worker]:
    """Run the worker of another cluster, with its own database, for the block."""
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env={**os.environ, **PEER}, check=True)
    with running("there", **PEER) as worker:
        yield worker
