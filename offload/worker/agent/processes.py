"""The processes of a worker that its agent watches."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

from offload.core.matching.escalation import Shortage
from offload.core.retries import Cause
from offload.files.descendants import family
from offload.worker.agent import deaths

#: Seconds between two looks for processes that running jobs have started.
CENSUS_SECONDS = 2.0


class Process:
    """A process that is watched through a descriptor, which shows its death at once."""

    def __init__(self, pid: int) -> None:
        """Open the descriptor; note if the process is dead already."""
        self.pid = pid
        self._descriptor: int | None = None
        with suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(pid)

    @property
    def is_dead(self) -> bool:
        """Return whether the process was dead already."""
        return self._descriptor is None

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._descriptor if self._descriptor is not None else -1

    def death(self, *, killed: bool = False) -> str:
        """Return how it died, in words; `killed` is the text if that was asked for."""
        return deaths.describe(deaths.status_of(self.pid, self._descriptor), killed=killed)

    def end(self, *, killed: bool) -> tuple[str, str]:
        """Return the cause of the end of what ran in it, and how it died, in words."""
        status = deaths.status_of(self.pid, self._descriptor)
        is_shortage = not killed and deaths.is_by_kernel(status)
        cause = Shortage.OUT_OF_MEMORY if is_shortage else Cause.CRASHED
        return cause, deaths.describe(status, killed=killed)

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Family:
    """The processes that a worker's have started, noted from time to time."""

    def __init__(self, pid: int) -> None:
        """Take the worker's number."""
        self._pid = pid
        self._noted: list[psutil.Process] = []
        self._noted_at = 0.0

    def note(self) -> None:
        """Look for processes, unless that was done a moment ago."""
        if time.monotonic() - self._noted_at > CENSUS_SECONDS:
            self._noted_at = time.monotonic()
            # A dead worker has none any more.
            self._noted = family(self._pid) or self._noted

    @property
    def has_others(self) -> bool:
        """Return whether processes were noted beside this one."""
        return any(one.pid != os.getpid() for one in self._noted)

    def end(self) -> list[Process]:
        """Kill what has outlived the worker; return it, to be waited for."""
        known = [*self._noted, *family(self._pid)]
        left = {one.pid: one for one in known if one.pid != os.getpid()}
        dying = [Process(pid) for pid in left]
        for process in left.values():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return [one for one in dying if not one.is_dead]
