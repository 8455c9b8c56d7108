"""Settling a worker's name before it starts."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from offload.conf import peers, settings
from offload.core.discovery.labels import values
from offload.core.exceptions import ConfigurationError, NameInUse
from offload.diagnostics import outage
from offload.embedded.process import boot_id
from offload.fleet import membership, properties
from offload.fleet.membership import Announcement
from offload.launchers import declared_launchers
from offload.models import Instance
from offload.queues import declared, declared_resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.discovery.properties import Scalar
    from offload.worker.link import Link

logger = logging.getLogger("offload.agent")

#: Seconds between two polls at the beat of who has the name.
NAME_POLL_SECONDS = 0.2


@dataclass(slots=True)
class Rival:
    """The owner of the name, and since when it has been silent."""

    incarnation: str
    beat: int
    since: float


def announced(spec: Mapping[str, Any], known: Mapping[str, Scalar] | None = None) -> Announcement:
    """Return the announcement of a worker, from its specification."""
    return Announcement(
        name=str(spec["name"]),
        pid=spec["pid"],
        consumers=spec["consumers"],
        concurrency=spec["concurrency"],
        can_kill=spec["can_kill"],
        can_limit=spec["can_limit"],
        labels=spec["labels"],
        facts=known or fixed_properties(spec),
    )


def fixed_properties(spec: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return those properties of an instance that do not change while its worker runs."""
    return {**properties.built_in(), **values(spec.get("labels", ()))}


def settle(announcement: Announcement, *, again: bool = False) -> str:
    """Take the name and return the incarnation.

    A restarted agent continues the incarnation of its worker. If another instance has the name,
    wait for the timeout; raise NameInUse if the other one still sends heartbeats.
    """
    # A6
    if again and (incarnation := _mine(announcement)):
        return incarnation
    rival: Rival | None = None
    while True:
        incarnation = membership.join(announcement) or ""
        if incarnation:
            return incarnation
        row = Instance.objects.get(pk=announcement.name)
        rival = _look(row, rival)
        if time.monotonic() - rival.since > settings().timeout:
            reason = "its beat stood still and another worker takes its name"
            membership.declare_gone(row.name, row.incarnation, beat=row.beat, reason=reason)
        time.sleep(NAME_POLL_SECONDS)


def introduce(spec: Mapping[str, Any], link: Link) -> str | None:
    """Settle the name of a worker and tell it; return None if it may not start, and why to it."""
    try:
        _check_clusters(str(spec["name"]))
        incarnation = settle(announced(spec), again=spec["restarted"])
        if old := outage.of_tables():
            logger.error("%s", old)
        else:
            declared_resources.sync(remove=False)
            declared.sync(remove=False)
            declared_launchers.sync(remove=False)
    except DatabaseError as error:
        link.send({"refused": outage.of_database(error), "taken": False})
        return None
    except Exception as error:
        link.send({"refused": str(error), "taken": isinstance(error, NameInUse)})
        return None
    link.send({"settled": incarnation})
    return incarnation


def _check_clusters(nodename: str) -> None:
    """Raise ConfigurationError if other clusters are named wrongly, or the nodename is like one's.

    Instances of other clusters are named by their cluster, a slash and their nodename.
    """
    known, (cluster, slash, _) = peers().by_name, nodename.partition("/")
    if slash and cluster in known:
        raise ConfigurationError(
            setting=f"the worker's name {nodename!r:.120}",
            problem=f"it reads as one of the cluster {cluster!r}; name the worker otherwise",
        )


def _look(row: Instance, rival: Rival | None) -> Rival:
    """Return the owner of the name; raise NameInUse if it sent a heartbeat."""
    if rival is None:
        return Rival(row.incarnation, row.beat, time.monotonic())
    if (row.incarnation, row.beat) != (rival.incarnation, rival.beat):
        raise NameInUse(name=row.name, host=row.host, pid=row.pid)
    return rival


def _mine(announcement: Announcement) -> str | None:
    """Return the incarnation that this worker already has, unless it was declared gone."""
    mine = Instance.objects.live().filter(pk=announcement.name, pid=announcement.pid)
    row = mine.filter(boot_id=boot_id()).first()
    return row.incarnation if row else None
