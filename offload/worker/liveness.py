"""How long this worker may start jobs, and under which incarnation: shared by its pool children.

Counted by the clock that goes on while the machine sleeps.
"""

from __future__ import annotations

import mmap
import struct
import time

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
LEASE_STRUCT = struct.Struct("d36s")
#: Seconds between two looks of a child that waits for the lease.
LEASE_LOOK_SECONDS = 0.05


class SharedLease:
    """The end of the lease, in memory that forked children see."""

    def __init__(self) -> None:
        """Start unlimited: a process without an agent, such as a test, has no lease."""
        self._shared = mmap.mmap(-1, LEASE_STRUCT.size)
        self.extend(float("inf"))

    def extend(self, until: float, incarnation: str = "") -> None:
        """Set the end of the lease, by ``boottime``, and whose it is."""
        LEASE_STRUCT.pack_into(self._shared, 0, until, incarnation.encode())

    @property
    def until(self) -> float:
        """Return the end of the lease."""
        return float(LEASE_STRUCT.unpack_from(self._shared, 0)[0])

    @property
    def incarnation(self) -> str:
        """Return the incarnation that this worker is; nothing where no agent has said so."""
        return bytes(LEASE_STRUCT.unpack_from(self._shared, 0)[1]).rstrip(b"\0").decode()

    def is_held(self) -> bool:
        """Return whether jobs may be started."""
        return boottime() < self.until

    def wait(self, timeout: float) -> bool:
        """Wait up to so many seconds for the lease; return whether it is held."""
        deadline = time.monotonic() + timeout
        while not self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(LEASE_LOOK_SECONDS)
        return True


def boottime() -> float:
    """Return seconds since the machine was booted, those asleep included."""
    return time.clock_gettime(CLOCK)


lease = SharedLease()
