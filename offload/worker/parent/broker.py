"""The broker, as a worker that starts finds it."""

from __future__ import annotations

import logging

from offload.core.exceptions import BrokerUnreachable
from offload.worker.lazy import lazy

logger = logging.getLogger("offload.worker")

REACH = "offload.diagnostics.broker:reach"


def look_for_broker() -> None:
    """Say so where the broker does not answer; the worker tries again, as Celery does."""
    try:
        lazy(REACH)()
    except BrokerUnreachable as error:
        logger.error("%s", error)
