"""The lease under which a worker may start jobs, shared with its pool children.

Its clock goes on while the machine sleeps.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import TYPE_CHECKING, Any

from billiard.reduction import DupFd

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
LEASE_STRUCT = struct.Struct("d36s")
#: Seconds between two polls while a child waits for the lease.
LEASE_WAIT_POLL_SECONDS = 0.05


class SharedLease:
    """The end of the lease, in memory that forked and spawned children share."""

    def __init__(self) -> None:
        """Start without a limit: a process without an agent, such as a test, has no lease."""
        descriptor = os.memfd_create("offload-lease")
        os.ftruncate(descriptor, LEASE_STRUCT.size)
        self._attach(descriptor)
        self.extend(float("inf"))

    def _attach(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shared = mmap.mmap(descriptor, LEASE_STRUCT.size)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Become, in a process that is being spawned, its own ``lease`` in this memory."""
        return _attached, (DupFd(self._descriptor),)

    def extend(self, until: float, incarnation: str = "") -> None:
        """Set the end of the lease, by ``boottime``, and its incarnation."""
        LEASE_STRUCT.pack_into(self._shared, 0, until, incarnation.encode())

    @property
    def until(self) -> float:
        """Return the end of the lease."""
        return float(LEASE_STRUCT.unpack_from(self._shared, 0)[0])

    @property
    def incarnation(self) -> str:
        """Return the worker's incarnation, or "" if no agent has set one."""
        return bytes(LEASE_STRUCT.unpack_from(self._shared, 0)[1]).rstrip(b"\0").decode()

    def is_held(self) -> bool:
        """Return whether jobs may be started."""
        return boottime() < self.until

    def wait(self, timeout: float) -> bool:
        """Wait up to that many seconds for the lease; return whether it is held."""
        deadline = time.monotonic() + timeout
        while not self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(LEASE_WAIT_POLL_SECONDS)
        return True


def _attached(passed: Any) -> SharedLease:
    lease._attach(passed.detach())
    return lease


def boottime() -> float:
    """Return the seconds since the machine was booted, including sleep."""
    return time.clock_gettime(CLOCK)


lease = SharedLease()
