"""The worker of a turn."""

from __future__ import annotations

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
    "-c", str(CONCURRENCY), "-l", "WARNING", "-n", f"{NAME}@here",
    "--without-gossip", "--without-mingle", "--without-heartbeat",
]  # fmt: skip
#: Seconds that it gets to end by itself.
GRACE = 15.0
LAST_LINES = 25


class Worker:
    """The program, and what it said."""

    def __init__(self, program: subprocess.Popen[bytes]) -> None:
        """Take the program."""
        self._program = program

    @property
    def has_ended(self) -> bool:
        """Return whether it does not run any more."""
        return self._program.poll() is not None

    @property
    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(_log().read_text(errors="replace").splitlines()[-LAST_LINES:])

    def end(self) -> None:
        """End it, by force if it must be; its agent follows."""
        self._program.terminate()
        try:
            self._program.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()


@contextmanager
def running() -> Iterator[Worker]:
    """Run the worker for the block; it dies with this process."""
    with _log().open("wb") as log:
        worker = Worker(
            subprocess.Popen(
                tethered(COMMAND, on_death=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )
    try:
        yield worker
    finally:
        worker.end()


def _log() -> Path:
    return FOLDER / "worker.log"
