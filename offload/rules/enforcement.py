"""Enforcement of rules: when they change, and again by each instance for itself.

An instance gives back the jobs that it may not run, and announces which rules it has applied.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Need, judge_rules, plan
from offload.core.placement.travel import switched_off_between
from offload.core.retries import Cause
from offload.db import database
from offload.fleet.snapshots import Snapshot, forget, load, now
from offload.models import Instance
from offload.models.instances import INCARNATION
from offload.models.versions import current_version, raise_version
from offload.rules.effects import settle
from offload.tracking import queries, requeue, selectors
from offload.tracking.binding import slots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology

INSTANCE = Instance._meta.db_table
#: Obstacles that a queue, or a new leader, may raise after its jobs were bound.
UNMET_BY_QUEUE = frozenset({Obstacle.UNMET, Obstacle.NOT_LEADER})


def enforce() -> int:
    """Take back the unstarted jobs that rules and switches now forbid (B8a); return how many.

    Call it in the transaction that changed the rules. It waits for bindings that began before: they
    have not seen the rules, and become visible here once they are committed.
    """
    settle()
    raise_version()
    topology = load(current_version()).topology
    slots.keep_bindings_out(_named(topology))
    count = 0
    for name, topic in queries.unstarted():
        instance = topology.instance(name)
        if instance and _is_forbidden(instance, topic, topology):
            # Jobs that are taken back from another cluster come by its report (P7).
            withdrawn = queries.count_unstarted(name, topic) if instance.peer else 0
            recalled = requeue.recall_from(name, [topic], cause=Cause.REFUSED)
            count += withdrawn or len(recalled)
    forget()
    return count


def _is_forbidden(instance: InstanceInfo, topic: str, topology: Topology) -> bool:
    """Return whether a switch or a rule forbids the topic there."""
    return (
        instance.is_off
        or _is_cut_off(instance)
        or judge_rules(instance, topic, topology.rules, now()) is not None
    )


def _is_cut_off(instance: InstanceInfo) -> bool:
    """Return whether a switch keeps jobs from its cluster, and takes back those that are there."""
    return not instance.stays and switched_off_between(instance) is not None


def _named(topology: Topology) -> list[str]:
    """Return the instances that may be forbidden something."""
    return [
        one.name
        for one in (*topology.live, *topology.remote)
        if one.is_off or one.send_off or any(rule.applies_to(one) for rule in topology.rules)
    ]


def apply(name: str, incarnation: str, current: Snapshot) -> None:
    """Give back the unstarted jobs that the rules now forbid, and announce the rules applied."""
    give_back_forbidden(name, current)
    announce(name, incarnation, current)


def give_back_forbidden(name: str, current: Snapshot) -> None:
    """Give back the unstarted jobs here that the rules now forbid, however they came."""
    topics = [topic for _, topic in queries.unstarted(name)]
    forbidden = [topic for topic in topics if not _may(name, topic, current)]
    requeue.recall_from(name, forbidden, cause=Cause.REFUSED)
    if any(one.requires or one.leader_only for one in current.policies):
        _give_back_unmet(name, current)


def _give_back_unmet(name: str, current: Snapshot) -> None:
    """Give back the unstarted jobs whose queue requires what this instance now lacks."""
    unmet = [one for one in queries.unstarted_lanes(name) if not _meets(name, one, current)]
    if unmet:
        requeue.recall(selectors.of_lanes(name, unmet), cause=Cause.REFUSED)


def _meets(name: str, lane: Lane, current: Snapshot) -> bool:
    judged = plan(current.need(lane), current.topology, now()).verdicts
    mine = (one.reason for one in judged if one.instance == name)
    return not any(reason and reason.obstacle in UNMET_BY_QUEUE for reason in mine)


def _may(name: str, topic: str, current: Snapshot) -> bool:
    judged = plan(Need(topic=topic), current.topology, now()).verdicts
    # The leader itself takes back what a reservation leaves no place for.
    return any(
        one.reason is None or one.reason.obstacle is Obstacle.RESERVED
        for one in judged
        if one.instance == name
    )


def announce(name: str, incarnation: str, current: Snapshot) -> None:
    """Write the rules that this instance has applied."""
    topology = current.topology
    instance = topology.instance(name)
    if instance is None:
        return
    rules = topology.rules_in(topology.period(now()))
    database.execute(
        f"UPDATE {INSTANCE} SET applied = %(applied)s WHERE {INCARNATION}",
        {
            "applied": json.dumps(applied(instance, rules, current.version)),
            "name": name,
            "incarnation": incarnation,
        },
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


def give_back_unstarted(
    name: str, incarnation: str, *, cause: Cause = Cause.STOPPED_ORDERLY
) -> int:
    """Give back all unstarted jobs, because the instance drains or is suspect."""
    return len(requeue.recall(selectors.bound_to(name, incarnation), cause=cause))
