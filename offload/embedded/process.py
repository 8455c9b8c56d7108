"""Identify processes, even after one ended and another got its number."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Positions of state and start time behind the process's name.
STATE_FIELD, START_FIELD = 0, 19
DEAD_STATES = ("Z", "X")


def boot_id() -> str:
    """Return the id of this boot of the machine."""
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return str(int(psutil.boot_time()))


def started(pid: int) -> str:
    """Return the start of a process in ticks since the boot, or "" if it does not live.

    The time of day would not do: it comes from a clock that can be set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[STATE_FIELD] in DEAD_STATES else fields[START_FIELD]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process, identified by its number and its start time."""

    pid: int
    started: str
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """Return the mark of the process `pid`."""
        return cls(pid=pid, started=started(pid), boot_id=boot_id())

    @classmethod
    def load(cls, fields: Any) -> ProcessMark:
        """Read a mark from JSON; raise TypeError, KeyError or ValueError if it is invalid."""
        return cls(
            pid=int(fields["pid"]), started=str(fields["started"]), boot_id=str(fields["boot_id"])
        )

    def dump(self) -> dict[str, Any]:
        """Return the mark as JSON."""
        return {"pid": self.pid, "started": self.started, "boot_id": self.boot_id}

    @property
    def is_alive(self) -> bool:
        """Tell whether the process still exists, even if it is suspended."""
        return bool(self.started) and (self.boot_id, self.started) == (boot_id(), started(self.pid))

    @property
    def is_me(self) -> bool:
        """Tell whether it is the current process."""
        return self.pid == os.getpid() and self.is_alive

    def end(self, timeout: float) -> None:
        """Ask the process to end; kill it if it has not ended after `timeout` seconds."""
        if not self.is_alive:
            return
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            process.terminate()
            _, alive = psutil.wait_procs([process], timeout=timeout)
            for stubborn in alive:
                stubborn.kill()
                stubborn.wait()
