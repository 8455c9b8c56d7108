"""Database connections that are kept over tasks (F4): mended when they break."""

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

#: Seconds between two tries on a database that is away.
RETRY_SECONDS = 0.2
#: Seconds after which an error that looks like an outage is taken for what it is.
OUTAGE_MAX_SECONDS = 1800.0


def insist(act: Callable[[], T], *, what: str, leased: bool = True) -> T:
    """Act, again and again over a database that is away.

    Where it must be ``leased``, raise what went wrong once the instance has lost its lease;
    else once it went wrong for longer than an outage lasts: then it is not an outage.
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


def do_without_pools() -> None:
    """Let this process and those it forks connect by themselves, where the site has a pool.

    They keep a connection per thread for as long as they live: a pool, of four connections unless
    its size is set, would run dry, and heartbeats stop. It must be called before the first one.
    """
    for alias in connections:
        connections[alias].settings_dict["OPTIONS"].pop("pool", None)


def drop_broken() -> None:
    """Close connections on which an error occurred; the next statement opens another."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
