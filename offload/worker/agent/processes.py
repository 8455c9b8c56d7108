"""The processes of a worker, as its agent watches them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from offload.worker.agent import deaths


class Process:
    """A process watched by a descriptor: its death is seen at once."""

    def __init__(self, pid: int) -> None:
        """Open the descriptor; a process that is dead already is seen so."""
        self.pid = pid
        self._descriptor: int | None = None
        with suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(pid)

    @property
    def is_dead(self) -> bool:
        """Return whether the process was dead when it was opened."""
        return self._descriptor is None

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._descriptor if self._descriptor is not None else -1

    def death(self, *, killed: bool = False) -> str:
        """Return how it died, in words; say `killed` where that was asked for."""
        return deaths.told(deaths.status_of(self.pid, self._descriptor), killed=killed)

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def descendants(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those they have."""
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def end(processes: list[psutil.Process]) -> None:
    """Kill processes that outlived the worker they belonged to."""
    for process in processes:
        if process.pid != os.getpid():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
