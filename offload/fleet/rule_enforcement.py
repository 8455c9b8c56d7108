"""Rules as they are enforced: once they are changed, and again by each instance for itself.

An instance gives back what it may not run, and announces by which rules it acts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.core.placement.routing import Need, judge_rules, plan
from offload.core.retries import Cause
from offload.db import database
from offload.fleet.rule_effects import settle
from offload.fleet.snapshots import Snapshot, forget, load, now
from offload.models import Instance
from offload.models.versions import current_version, raise_version
from offload.tracking import queries, requeue, selectors, slots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology

INSTANCE = Instance._meta.db_table


def enforce() -> int:
    """Take back the unstarted jobs that the rules as they are now forbid (B8a); return how many.

    Call it in the transaction that changed them. It waits for the bindings that began before:
    they have not seen the rules, and are seen here once they are committed.
    """
    settle()
    raise_version()
    topology = load(current_version()).topology
    slots.keep_bindings_out(_named(topology))
    count = 0
    for name, topic in queries.unstarted():
        instance = topology.instance(name)
        if instance and (instance.is_off or judge_rules(instance, topic, topology.rules, now())):
            count += len(requeue.recall_from(name, [topic], cause=Cause.REFUSED))
    forget()
    return count


def _named(topology: Topology) -> list[str]:
    """Return the instances to which something may be forbidden."""
    return [
        one.name
        for one in topology.live
        if one.is_off or any(rule.applies_to(one) for rule in topology.rules)
    ]


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


def applied(
    instance: InstanceInfo, rules: Iterable[RoutingRule], version: int
) -> dict[str, object]:
    """Return the rules that concern an instance, as it announces them."""
    mine = [rule for rule in rules if rule.applies_to(instance)]
    return {
        "version": version,
        "off": instance.is_off,
        "rules": [
            [rule.verb, rule.pattern.text, rule.until and rule.until.isoformat()] for rule in mine
        ],
    }


def give_back_unbegun(name: str, incarnation: str) -> int:
    """Give back everything that has not begun: the instance drains."""
    return len(requeue.recall(selectors.bound_to(name, incarnation), cause=Cause.STOPPED_ORDERLY))
