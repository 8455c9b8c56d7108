"""Processor time by kind of process, which a busy machine does not blur.

A database server does its part in processes of its own: those on this machine that serve the
benchmark's database are counted, too.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress

import psutil
from django.conf import settings

from tests.benchmarks.figures import ROLES

#: The names of the server's processes.
SERVER = "postgres"


def spent() -> dict[str, float]:
    """Return seconds of processor time so far: who submits, worker with pool, agent, server."""
    found = defaultdict(float, submitter=time.process_time())
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            agent = "offload.worker.agent" in process.cmdline()
            found["agent" if agent else "worker"] += times.user + times.system
    served = f" {settings.DATABASES['default']['NAME']} "
    for process in psutil.process_iter(["name", "cmdline"]):
        # Their titles say user and database.
        if process.info["name"] == SERVER and served in " ".join(process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                found["database"] += times.user + times.system
    return found


def since(before: dict[str, float], jobs: int) -> dict[str, float]:
    """Return milliseconds per job since then."""
    now = spent()
    return {role: (now[role] - before[role]) * 1000 / jobs for role in ROLES}
