"""Deaths at chosen moments, and messages that are lost."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from typing import Any


def die_after_the_finish() -> None:
    """Kill this process in the first thing that follows the commit of the next success."""
    runs: Any = import_module("offload.tracking.finishing")
    database: Any = import_module("offload.db.database")
    succeed = runs.succeed

    def fatally(*args: Any, **kwargs: Any) -> Any:
        database.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        return succeed(*args, **kwargs)

    runs.succeed = fatally


def lose_first_messages() -> None:
    """Let the first message of each binding that this process sends never arrive."""
    publisher: Any = import_module("offload.messaging.publisher")
    send = publisher._send
    lost: set[tuple[str, int]] = set()

    def send_but_the_first(app: Any, producer: Any, job: Any, task: str) -> None:
        binding = (job.id, job.epoch)
        if binding in lost:
            send(app, producer, job, task)
        lost.add(binding)

    publisher._send = send_but_the_first
