"""Which process is which, also after one ended and another got its number."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

#: Seconds by which the start of one process may differ between two readings of the clock.
SAME_START = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process, told from a later one of the same number by when it was started."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """Return the mark of the living process `pid`; raise psutil.NoSuchProcess without one."""
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    @classmethod
    def load(cls, fields: Any) -> ProcessMark:
        """Return the mark kept as JSON; raise TypeError, KeyError or ValueError if it is none."""
        return cls(pid=int(fields["pid"]), created=float(fields["created"]))

    def dump(self) -> dict[str, Any]:
        """Return the mark as JSON."""
        return {"pid": self.pid, "created": self.created}

    @property
    def process(self) -> psutil.Process | None:
        """The living process, or None once it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_START
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None

    @property
    def is_me(self) -> bool:
        """Whether it is the process that asks."""
        return self.pid == os.getpid() and self.is_alive

    def end(self, timeout: float) -> None:
        """Ask the process to end, and make it end if it has not after `timeout` seconds."""
        process = self.process
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            _, alive = psutil.wait_procs([process], timeout=timeout)
            for stubborn in alive:
                stubborn.kill()
                stubborn.wait()
