"""The properties that every instance announces by itself: of its machine, and of its code."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import TYPE_CHECKING

import psutil

from offload.conf import code_version
from offload.core import VERSION
from offload.core.admission.submit_paths import WAKEUPS
from offload.fleet.membership import host
from offload.messaging.wakeups import ways

if TYPE_CHECKING:
    from offload.core.discovery.properties import Scalar


def built_in() -> dict[str, Scalar]:
    """Return the properties of this machine, and of code and database as this process has them."""
    system = os.uname()
    return {
        "host": host(),
        "platform": f"{system.sysname} {system.release} {system.machine}",
        "cpus": os.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "celery": metadata.version("celery"),
        "offload": VERSION,
        WAKEUPS: ways(),
        **({"code_version": version} if (version := code_version()) else {}),
    }
