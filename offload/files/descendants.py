"""Processes that a program has started: found by its group, by their parents, and by a mark.

The mark is a variable that they inherit: it finds those that left the group and lost their parent.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

#: The variable of a program's environment that names the scratch folder of its run.
MARK = "OFFLOAD_RUN"
#: Most seconds until marked processes are gone once they are killed, and between two looks.
GONE_SECONDS = 10.0
LOOK_SECONDS = 0.02


class Identity(NamedTuple):
    """A process, told from a later one with the same number."""

    pid: int
    #: When it began, in seconds since the epoch.
    started: float


def identity_of(pid: int) -> Identity:
    """Return the identity of a process; a dead one has begun at 0."""
    with suppress(psutil.NoSuchProcess):
        return Identity(pid, psutil.Process(pid).create_time())
    return Identity(pid, 0.0)


def family(pid: int) -> list[psutil.Process]:
    """Return the processes that a program has started, directly or not."""
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def marked(run: str) -> list[psutil.Process]:
    """Return this user's processes that have the mark of a run, whoever their parents are."""
    mark = f"{MARK}={run}".encode()
    return [one for one in psutil.process_iter() if mark in _variables(one.pid)]


def _variables(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def end_marked(run: str) -> None:
    """Kill the processes that have the mark of a run, and those that they start meanwhile."""
    deadline = time.monotonic() + GONE_SECONDS
    while (found := marked(run)) and time.monotonic() < deadline:
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        # Not psutil's wait: it would take a child's exit status from the one who waits for it.
        time.sleep(LOOK_SECONDS)


def send(group: int, others: list[psutil.Process], number: signal.Signals) -> None:
    """Signal a process group, and processes that may have left it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for process in others:
        with suppress(psutil.Error):
            process.send_signal(number)


def end(program: Identity) -> None:
    """Kill a program that outlived its run, and all that it started."""
    if identity_of(program.pid) == program:
        send(program.pid, family(program.pid), signal.SIGKILL)
