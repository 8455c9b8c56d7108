"""Configurations with which a worker refuses to start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.checks import run_checks

from offload.worker.lazy import lazy
from offload.worker.tasks.declarations import clashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger("offload.worker")

EX_CONFIG = 78
#: Pools whose tasks share one thread: a job would stop the others, and its database connection.
GREEN_POOLS = ("gevent", "eventlet")

LISTENS = (
    "offload.topology.listen() was called by a module that workers import, in the process that "
    "starts their pool; declare the function with @offload.topology.listener, and the worker's "
    "agent calls it"
)


def refuse_wrong_settings() -> None:
    """End the worker where a check says that it cannot work as it is."""
    found = [one for one in run_checks(tags=["offload"]) if one.is_serious()]
    _refuse(f"{one.id}: {one.msg} {one.hint or ''}" for one in found)


def refuse_wrong_pool(pool: str) -> None:
    """End a worker whose pool cannot run jobs."""
    _refuse(
        f"the pool {name} cannot run jobs; use prefork, threads or solo"
        for name in GREEN_POOLS
        if name in pool
    )


def refuse_listeners() -> None:
    """End a worker in whose parent a thread watches the topology: it would fork with a connection.

    A1 is why it may not.
    """
    if lazy("offload.topology.hub:is_watching")():
        _refuse([LISTENS])


def refuse_clashes(announced: Iterable[Mapping[str, Any]]) -> None:
    """End a worker some of whose consumers would never run."""
    _refuse(clashes(announced))


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    for problem in found:
        logger.error("%s", problem)
    if found:
        raise SystemExit(EX_CONFIG)
