"""Database connections that are kept between tasks (F4), and replaced when they break."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError, connections

from offload.conf import settings
from offload.worker.liveness import lease

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("offload.worker")

T = TypeVar("T")

#: Seconds between two tries on an unreachable database.
RETRY_SECONDS = 0.2
#: Seconds after which an error that looks like an outage counts as permanent.
OUTAGE_MAX_SECONDS = 1800.0
#: Tasks after which Celery closes a kept connection: in effect never.
CLOSE_AFTER_TASKS = 1_000_000_000


def keep_trying(act: Callable[[], T], *, what: str, leased: bool = True) -> T:
    """Call a function; repeat it while the database is unreachable.

    With ``leased``, raise the error once the instance has lost its lease. Without, raise it once
    it has lasted longer than any outage, because then it has another cause.
    """
    deadline = time.monotonic() + OUTAGE_MAX_SECONDS
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            if leased and not lease.wait(settings().timeout):
                raise
            if time.monotonic() > deadline:
                raise
            logger.warning("%s is tried again: %s", what, error)
            drop_broken()
            time.sleep(RETRY_SECONDS)


def celery_defaults() -> dict[str, object]:
    """Return the settings with which Celery keeps connections, if the site lets it."""
    return {"CELERY_DB_REUSE_MAX": CLOSE_AFTER_TASKS} if settings().keep_connections else {}


def do_without_pools() -> None:
    """Disable a site's connection pool in this process and its forks.

    They keep a connection per thread as long as they live: a pool, of four connections unless its
    size is set, would run dry, and heartbeats would stop. Call it before the first connection.
    """
    for alias in connections:
        connections[alias].settings_dict["OPTIONS"].pop("pool", None)


def drop_broken() -> None:
    """Close connections on which an error occurred; the next statement opens a new one."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
