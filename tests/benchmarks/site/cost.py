"""Processor time by kind of process: what a busy machine does not blur."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress

import psutil


def spent() -> dict[str, float]:
    """Return seconds of processor time so far: who submits, the worker with its pool, the agent."""
    found = defaultdict(float, submitter=time.process_time())
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            agent = "offload.worker.agent" in process.cmdline()
            found["agent" if agent else "worker"] += times.user + times.system
    return found


def since(before: dict[str, float], jobs: int) -> dict[str, float]:
    """Return milliseconds per job since then."""
    now = spent()
    roles = ("submitter", "worker", "agent")
    return {role: (now[role] - before[role]) * 1000 / jobs for role in roles}
