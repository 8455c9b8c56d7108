"""A leash for programs: a program started on it ends when the process that started it dies.

A tiny second program ties itself to its parent and then becomes the program asked for. It is run by
its path and imports nothing from offload, so it costs little.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: Linux's option for the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


def tethered(command: list[str], *, on_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """Return a command that runs `command` and sends it `on_death` when this process dies.

    The calling thread must live as long as the program. Outside Linux the program lives on.
    """
    leash = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(on_death))]
    return [*leash, *command]


def tie(parent: int, on_death: int) -> None:
    """Ask Linux to signal this process when its parent dies; end if it has died already."""
    # Signals that the starting process held back for a moment are not held back from the program.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(PR_SET_PDEATHSIG, on_death, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(f"The process {parent}, which started this one, is dead.")


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the program named in `arguments`."""
    parent, on_death, *command = arguments
    tie(int(parent), int(on_death))
    os.execvp(command[0], command)  # noqa: S606 -- a shell between would be one more to die


if __name__ == "__main__":
    main(sys.argv[1:])
