"""Configurations with which a worker refuses to start."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from django.core.checks import run_checks

from offload.conf import labels_of_environment, settings
from offload.core.discovery import properties
from offload.core.discovery.labels import named
from offload.core.lazy import load
from offload.fleet.clashes import clashes
from offload.topology import providers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger("offload.worker")

#: Pools whose tasks share one thread: a job would block the others, and share their connection.
GREEN_POOLS = ("gevent", "eventlet")

LISTENS = (
    "offload.topology.listen() was called by a module that workers import, in the process that "
    "starts their pool; declare the function with @offload.topology.listener, and the worker's "
    "agent calls it"
)


def refuse_wrong_settings() -> None:
    """End the worker if a system check finds an error."""
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
    """End the worker if a thread of the parent watches the topology: it would fork with a
    connection.

    A1 forbids that.
    """
    if load("offload.topology.hub:is_watching")():
        _refuse([LISTENS])


def refuse_clashes(announced: Iterable[Mapping[str, Any]]) -> None:
    """End the worker if some of its consumers could never run."""
    _refuse(clashes(announced))


def refuse_properties() -> None:
    """End a worker two of whose properties have one name."""
    labels = named(settings().labels, labels_of_environment())
    functions = [(one.name, one.place) for one in providers.declared.values()]
    _refuse(properties.clashes([*labels, *functions]))


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    for problem in found:
        logger.error("%s", problem)
    if found:
        raise SystemExit(os.EX_CONFIG)
