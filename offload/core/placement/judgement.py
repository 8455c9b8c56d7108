"""The verdict on one instance for one job: the steps capable → allowed → alive → fits."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.placement.reasons import Obstacle, Reason
from offload.core.placement.topology import (
    PROTOCOL_VERSION,
    Consumer,
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
)
from offload.core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_MODE_OBSTACLES: Mapping[Mode, Obstacle] = MappingProxyType(
    {
        Mode.STARTING: Obstacle.STARTING,
        Mode.DRAINING: Obstacle.DRAINING,
        Mode.RECONNECTING: Obstacle.DISCONNECTED,
        Mode.SUSPECT: Obstacle.SUSPECT,
        Mode.GONE: Obstacle.GONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A job's requirements of an instance."""

    topic: str
    # It has time limits that the pool must enforce.
    limit: bool = False
    # A run of it must be endable by force.
    kill: bool = False
    # Incarnations that refused it.
    excluded: frozenset[str] = frozenset()
    # The name of the instance that comes first, if it can run it.
    prefers: str = ""


def consumer_for(instance: InstanceInfo, topic: str) -> Consumer | None:
    """Return the consumer that runs the topic there: the most specific, then the ranking.

    Of equals, the first announced wins.
    """
    return best_consumer(instance.consumers, topic)


def best_consumer(consumers: Iterable[Consumer], topic: str) -> Consumer | None:
    """Return the consumer of these that runs the topic, or None."""
    matching = (one for one in consumers if one.pattern.matches(topic))
    return max(matching, key=lambda one: (one.pattern.specificity, one.ranking), default=None)


def obstacle_to(
    need: Need, instance: InstanceInfo, consumer: Consumer | None, in_force: Sequence[RoutingRule]
) -> Reason | None:
    """Say what keeps the instance from running the job, whatever its load, or None.

    Give the rules that are in force and apply to the instance.
    """
    return (
        capable(need, instance, consumer)
        or allowed(need, instance, in_force)
        or alive(instance)
        or refused(need, instance)
    )


def capable(need: Need, instance: InstanceInfo, consumer: Consumer | None) -> Reason | None:
    """Say what keeps the instance from being able to run the job, or None."""
    name = instance.name
    if consumer is None:
        return _reason(Obstacle.NO_CONSUMER, f"{name} has no consumer for {need.topic}.")
    if instance.protocol < PROTOCOL_VERSION:  # B10
        spoken = f"{name} speaks protocol {instance.protocol}, not {PROTOCOL_VERSION}."
        return _reason(Obstacle.OLD_PROTOCOL, f"{spoken} Update offload there.")
    if consumer.task in instance.broken:
        told = f"{name} refused {consumer.task} too often. Restart it with code that has it."
        return _reason(Obstacle.BROKEN_CONSUMER, told)
    return _pool(need, instance, consumer)


def allowed(need: Need, instance: InstanceInfo, in_force: Sequence[RoutingRule]) -> Reason | None:
    """Say what forbids the instance to run the job, or None.

    Give the rules that are in force and apply to the instance.
    """
    return switched_off(instance) or _judge(instance, need.topic, in_force)


def switched_off(instance: InstanceInfo) -> Reason | None:
    """Say that the instance is switched off as a whole, or None."""
    if not instance.is_off:
        return None
    return _reason(Obstacle.OFF, noted(f"{instance.name} is switched off", instance.off_note))


def noted(told: str, note: str) -> str:
    """Return a sentence with what was noted by whoever made it so."""
    return f"{told}: {note.rstrip('.')}." if note else f"{told}."


def judge_rules(
    instance: InstanceInfo, topic: str, rules: Iterable[RoutingRule], now: datetime
) -> Reason | None:
    """Say which rule forbids the topic on the instance now, or None.

    Deny beats allow. Where no allow rule applies, everything not denied is allowed.
    """
    in_force = [rule for rule in rules if rule.in_force(now) and rule.applies_to(instance)]
    return _judge(instance, topic, in_force)


def alive(instance: InstanceInfo) -> Reason | None:
    """Say why the instance takes no work now, or None."""
    if instance.mode is Mode.READY:
        return None
    if instance.mode is Mode.GONE and instance.said_goodbye:
        return _reason(Obstacle.GONE, f"{instance.name} was shut down.")
    obstacle = _MODE_OBSTACLES[instance.mode]
    return _reason(obstacle, f"{instance.name}: {obstacle.sentence}")


def fits(need: Need, instance: InstanceInfo, bound: int) -> Reason | None:
    """Say why the job has no place on the instance while that holds `bound` jobs, or None."""
    return refused(need, instance) or _full(instance, bound)


def refused(need: Need, instance: InstanceInfo) -> Reason | None:
    """Say that this incarnation refused the job, or None: what fits whatever the load."""
    if instance.incarnation in need.excluded:
        return _reason(
            Obstacle.EXCLUDED,
            f"{instance.name} refused this job, or left it waiting, a moment ago.",
        )
    return None


def _full(instance: InstanceInfo, bound: int) -> Reason | None:
    if bound < instance.window:
        return None
    told = (
        f"{instance.name} holds {counted(bound, 'job', 'jobs')}, its window is {instance.window}."
    )
    return _reason(Obstacle.WINDOW_FULL, told)


def _pool(need: Need, instance: InstanceInfo, consumer: Consumer) -> Reason | None:
    if (need.limit or consumer.limit) and not instance.can_limit:  # R11
        told = f"The pool of {instance.name} cannot enforce time limits. Use prefork there."
        return _reason(Obstacle.CANNOT_LIMIT, told)
    if need.kill and not instance.can_kill:
        told = f"The pool of {instance.name} cannot end a running job. Use prefork there."
        return _reason(Obstacle.CANNOT_KILL, told)
    return None


def _judge(instance: InstanceInfo, topic: str, in_force: Sequence[RoutingRule]) -> Reason | None:
    matching = [rule for rule in in_force if rule.pattern.matches(topic)]
    denial = next((rule for rule in matching if rule.verb is RuleVerb.DENY), None)
    if denial is not None:
        return _denied(instance, denial)
    allows = [rule for rule in in_force if rule.verb is RuleVerb.ALLOW]
    if not allows or any(rule.verb is RuleVerb.ALLOW for rule in matching):
        return None
    listed = ", ".join(sorted({rule.pattern.text for rule in allows}))
    notes = "; ".join(sorted({rule.note.rstrip(".") for rule in allows if rule.note}))
    return _reason(Obstacle.NOT_ALLOWED, noted(f"{instance.name} is allowed only {listed}", notes))


def _denied(instance: InstanceInfo, rule: RoutingRule) -> Reason:
    until = f" until {rule.until:%Y-%m-%d %H:%M %Z}".rstrip() if rule.until else ""
    told = noted(f"Rule {rule.id} denies {rule.pattern} on {instance.name}{until}", rule.note)
    return Reason(obstacle=Obstacle.DENIED, detail=told, rule_id=rule.id)


def _reason(obstacle: Obstacle, detail: str) -> Reason:
    return Reason(obstacle=obstacle, detail=detail)
