"""Deaths at chosen moments."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from typing import Any


def die_after_the_finish() -> None:
    """Kill this process in the first thing that follows the commit of the next success."""
    runs: Any = import_module("offload.engine.tracking.runs")
    database: Any = import_module("offload.models.database")
    succeed = runs.succeed

    def fatally(*args: Any, **kwargs: Any) -> Any:
        database.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        return succeed(*args, **kwargs)

    runs.succeed = fatally
