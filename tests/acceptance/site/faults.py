"""Deaths at chosen moments."""

from __future__ import annotations

import os
import signal
from typing import Any

from kombu.utils.imports import symbol_by_name


def die_after_the_finish() -> None:
    """Kill this process in the first thing that follows the commit of the next success."""
    runs = symbol_by_name("offload.engine.tracking.runs")
    database = symbol_by_name("offload.models.database")
    succeed = runs.succeed

    def fatally(*args: Any, **kwargs: Any) -> Any:
        database.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        return succeed(*args, **kwargs)

    runs.succeed = fatally
