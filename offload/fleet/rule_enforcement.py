"""Rules as an instance applies them: it gives back what it may not run, and announces them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.core.placement.routing import Need, plan
from offload.core.retries import Cause
from offload.db import database
from offload.fleet.snapshots import Snapshot, now
from offload.models import Instance
from offload.tracking import queries, requeue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.topology import Instance as InstanceValue
    from offload.core.placement.topology import Rule

INSTANCE = Instance._meta.db_table


def apply(name: str, incarnation: str, seen: Snapshot) -> None:
    """Give back the unstarted jobs that the rules now forbid, and announce the rules applied."""
    give_back_forbidden(name, seen)
    announce(name, incarnation, seen)


def give_back_forbidden(name: str, seen: Snapshot) -> None:
    """Give back the unstarted jobs that the rules now forbid, however they came to be here."""
    topics = [topic for _, topic in queries.unstarted(name)]
    forbidden = [topic for topic in topics if not _may(name, topic, seen)]
    requeue.recall_from(name, forbidden, cause=Cause.REFUSED)


def _may(name: str, topic: str, seen: Snapshot) -> bool:
    candidates = plan(Need(topic=topic), seen.topology, now()).candidates
    return any(one.instance.name == name for one in candidates)


def announce(name: str, incarnation: str, seen: Snapshot) -> None:
    """Write the rules this instance acts by."""
    topology = seen.topology
    instance = topology.instance(name)
    if instance is None:
        return
    rules = topology.rules_in(topology.period(now()))
    database.execute(
        f"UPDATE {INSTANCE} SET applied = %s WHERE name = %s AND incarnation = %s",
        [json.dumps(applied(instance, rules, seen.version)), name, incarnation],
    )


def applied(instance: InstanceValue, rules: Iterable[Rule], version: int) -> dict[str, object]:
    """Return the rules that concern an instance, as it announces them."""
    mine = [rule for rule in rules if rule.applies_to(instance)]
    return {
        "version": version,
        "off": instance.is_off,
        "rules": [
            [rule.verb, rule.pattern.text, rule.until and rule.until.isoformat()] for rule in mine
        ],
    }


def give_back(name: str, incarnation: str) -> int:
    """Give back everything that has not begun: the instance drains."""
    return len(
        requeue.recall(
            "instance = %s AND incarnation = %s", [name, incarnation], cause=Cause.STOPPED_ORDERLY
        )
    )
