"""The facts of a worker that its agent is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from offload.conf import labels
from offload.messaging.installation import module
from offload.worker.tasks.declarations import consumers_of

if TYPE_CHECKING:
    from celery import Celery


def specification(app: Celery, worker: Any) -> dict[str, Any]:
    """Return the facts of Celery's worker, as its agent gets them."""
    prefork = "prefork" in str(worker.pool_cls) or "processes" in str(worker.pool_cls)
    solo = "solo" in str(worker.pool_cls)
    given = worker.concurrency if isinstance(worker.concurrency, int) else os.cpu_count()
    return {
        "name": worker.hostname,
        "pid": os.getpid(),
        "module": module(),
        "consumers": consumers_of(app),
        "concurrency": 1 if solo else given or 1,
        "can_kill": prefork,
        "can_limit": prefork,
        "labels": labels(),
    }
