"""Processes of the system, as tests look at them."""

from __future__ import annotations

import psutil


def has_ended(process: psutil.Process | int) -> bool:
    """Return whether a process has ended, although nobody may have waited for it yet."""
    try:
        one = psutil.Process(process) if isinstance(process, int) else process
        return not one.is_running() or one.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
