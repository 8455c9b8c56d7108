"""How a process died that is not a child of ours: the signal that killed it, or its exit code."""

from __future__ import annotations

import os
import signal
import struct
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

#: Linux's struct pidfd_info in its first form: a mask, and the wait status at its end.
INFO = struct.Struct("=QQ11Ii")
#: PIDFD_GET_INFO, and the bit that asks for the status; answered from Linux 6.15 on.
GET_INFO = 0xC000_FF0B | INFO.size << 16
INFO_EXIT = 1 << 3
#: Positions of the state and the wait status in /proc/PID/stat, counted from behind the name.
STATE_FIELD, STATUS_FIELD = 0, 49


def status_of(pid: int, descriptor: int | None) -> int | None:
    """Return the wait status of a dead process, or None if it is lost.

    /proc has it until the parent has fetched it, the descriptor from then on.
    """
    unfetched = _from_proc(pid)
    return unfetched if unfetched is not None or descriptor is None else _from(descriptor)


def is_by_kernel(status: int | None) -> bool:
    """Return whether SIGKILL ended it, by which the kernel ends what takes too much memory."""
    return status is not None and os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def describe(status: int | None, *, killed: bool = False) -> str:
    """Return how a process died, in words; `killed` is the text if that was requested."""
    if status is None:
        return "died"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"died: exit code {code}"
    asks = code == -signal.SIGKILL and not killed
    return f"died: killed by {_named(-code)} ({-code})" + (", out of memory?" if asks else "")


def _named(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return "signal"


def _from_proc(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return int(fields[STATUS_FIELD]) if fields[STATE_FIELD] == "Z" else None
    return None


def _from(descriptor: int) -> int | None:
    answer = bytearray(INFO.pack(INFO_EXIT, *[0] * 13))
    with suppress(OSError):
        ioctl(descriptor, GET_INFO, answer)
        mask, *_, status = INFO.unpack(answer)
        return status if mask & INFO_EXIT else None
    return None
