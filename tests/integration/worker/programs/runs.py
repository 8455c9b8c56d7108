"""Programs in Python, and what they made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from offload.models import Job, PayloadFile

if TYPE_CHECKING:
    from offload.worker.tasks.current_job import CurrentJob

#: A program that starts another one, says that it runs, and waits.
WAITS = """
import subprocess, sys, time
other = subprocess.Popen(["sleep", "600"])
print("started", other.pid, flush=True)
time.sleep(600)
"""


def python(code: str, *arguments: Any) -> list[Any]:
    """Return the command of a program in Python."""
    return [sys.executable, "-c", code, *arguments]


def progress(job: CurrentJob) -> dict[str, Any]:
    """Return the reported progress."""
    found: Any = Job.objects.get(pk=job.id).progress
    return dict(found)


def made() -> dict[str, bytes]:
    """Return the content of the outputs so far."""
    found = {}
    for row in PayloadFile.objects.filter(job__isnull=False):
        with row.open() as file:
            found[row.name] = file.read()
    return found
