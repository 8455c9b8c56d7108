"""Rows of instances and their switches as values for decisions."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import TextField
from django.db.models.functions import Cast

from offload.conf import cluster_name
from offload.core.matching.amounts import Amounts
from offload.core.matching.consumers import Consumer
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import Preferences
from offload.core.matching.requirements import Requirements
from offload.core.placement.instance_conditions import SwitchFacts
from offload.core.placement.lanes import Lane
from offload.core.placement.reservations import Reserved
from offload.core.placement.topology import InstanceInfo, Mode
from offload.core.topics import Pattern
from offload.core.validation.parameters import Parameters
from offload.fleet.row_values import GOODBYE, listed, readable, texts
from offload.messaging.names import queue_name
from offload.models import Instance, Reservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.models import Switch

#: The columns of an instance that decisions rest on.
COLUMNS = (
    "name", "incarnation", "cluster", "mode", "trouble", "mode_at", "remedy", "joined", "labels",
    "concurrency", "window", "can_kill", "can_limit", "protocol", "broken", "facts", "gone_because",
)  # fmt: skip
MODES = frozenset(Mode)
#: Different announcements of consumers that are kept as values.
CONSUMERS_KEPT = 4096


def instance_of(row: Instance, *, off: Mapping[str, Switch], leader: str | None) -> InstanceInfo:
    """Return an instance's row as a value; ``off`` are the switches by their instances."""
    switch = off.get(row.name)
    return InstanceInfo(
        name=row.name,
        incarnation=row.incarnation,
        cluster=row.cluster,
        mode=mode_of(row),
        is_off=row.name in off,
        off_note=switch.note if switch else "",
        switch=switch_of(switch) if switch else None,
        trouble=row.trouble,
        mode_at=row.mode_at,
        remedy=row.remedy,
        consumers=_consumers(row),
        labels=texts(row.labels),
        concurrency=row.concurrency,
        window=row.window,
        can_kill=row.can_kill,
        can_limit=row.can_limit,
        protocol=row.protocol,
        broken=texts(row.broken),
        properties=row.facts if isinstance(row.facts, dict) else {},
        joined=row.joined,
        queue=queue_name(row.name, cluster_name()),
        is_leader=row.incarnation == leader,
        said_goodbye=row.gone_because == GOODBYE,
    )


def announced_instances() -> Iterable[Instance]:
    """Return the rows of all instances, with no more than decisions rest on.

    Consumers come as text: instances that run the same code announce the same ones.
    """
    text = Cast("consumers", TextField())
    return Instance.objects.only(*COLUMNS).annotate(consumers_text=text)


def _consumers(row: Instance) -> tuple[Consumer, ...]:
    text = getattr(row, "consumers_text", None)
    return _consumers_of(json.dumps(row.consumers) if text is None else text)


@lru_cache(maxsize=CONSUMERS_KEPT)
def _consumers_of(text: str) -> tuple[Consumer, ...]:
    """Return announced consumers; a fleet that changes often announces the same again."""
    return tuple(readable(listed(json.loads(text)), consumer_of))


def switch_of(row: Switch) -> SwitchFacts:
    """Return a switch's row as a value."""
    return SwitchFacts(
        drains=row.drains,
        since=row.since,
        until=row.until,
        give_back_at=row.give_back_at,
        by=row.by,
    )


def mode_of(row: Instance) -> Mode:
    """Return the mode; a mode that this code does not know counts as trouble."""
    return Mode(row.mode) if row.mode in MODES else Mode.SUSPECT


def consumer_of(announced: Mapping[str, Any]) -> Consumer:
    """Return an announced consumer; older code may announce fewer facts."""
    return Consumer(
        pattern=Pattern.parse(announced["pattern"]),
        task=announced["task"],
        ranking=announced.get("ranking", 0),
        limit=announced.get("limit", False),
        is_silent=announced.get("silent", False),
        parameters=_parameters(announced.get("takes")),
        requires=Requirements.of(announced.get("requires", {})),
        prefers=Preferences.of(announced.get("prefers", ())),
        resources=Amounts.of(announced.get("resources", {})),
        slots=Slots.of(announced.get("slots")),
    )


def _parameters(announced: object) -> Parameters | None:
    return Parameters.read(announced) if isinstance(announced, str) else None


def reservations() -> tuple[Reserved, ...]:
    """Return all reservations of places, in the order in which they were made."""
    return tuple(map(_reserved, Reservation.objects.order_by("pk")))


def _reserved(row: Reservation) -> Reserved:
    return Reserved(
        id=row.pk,
        instance=row.instance,
        lane=Lane.parse(row.lane),
        places=max(1, row.places),
        job=row.job,
        until=row.until,
        rests=row.rests,
    )
