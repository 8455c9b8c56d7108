"""The one worker that runs the tasks of the suite."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from offload.embedded.tether import tethered
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODE = "suite@localhost"
COMMAND = (
    *("-m", "celery", "-A", "tests.celery_suite.app", "worker", "-n", NODE),
    *("--pool", "prefork", "--concurrency", "4", "--loglevel", "INFO"),
)
#: Seconds in which it must have started on a busy machine.
START_LIMIT = 60.0


@contextmanager
def working(environment: dict[str, str], *, cwd: Path, log: Path) -> Iterator[None]:
    """Keep a worker for the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            tethered([sys.executable, *COMMAND], on_death=signal.SIGKILL),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        eventually(lambda: _is_ready(process, log), within=START_LIMIT, what="the worker is ready")
        yield
    finally:
        _end(process)


def _is_ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    said = log.read_text(errors="replace")
    assert process.poll() is None, said
    return f"{NODE} ready" in said


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of it running."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for one in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()
