"""The verdict on one instance for one job: the steps capable → allowed → alive → fits."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.placement.affinity import Affinity, kept_away
from offload.core.placement.instance_conditions import suspicion
from offload.core.placement.reasons import Obstacle, Reason
from offload.core.placement.reservations import kept_free, too_small
from offload.core.placement.topology import (
    PROTOCOL_VERSION,
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
)
from offload.core.placement.travel import travels
from offload.core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from offload.core.matching.consumers import Consumer
    from offload.core.matching.job_slots import Slots

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
    # Its run must be killable.
    kill: bool = False
    # Incarnations that refused the job.
    excluded: frozenset[str] = frozenset()
    # The name of the instance that comes first, if it can run the job.
    first: str = ""
    # It has files, which some transport must carry to other clusters.
    files: bool = False
    # It is a clone, which stays in the cluster that took it.
    clone: bool = False
    # It replaces itself, which a clone cannot do.
    stays: bool = False
    # It is a step of a run that goes whole.
    of_whole: bool = False
    # It calls an error callback, which reads the row of the failed job.
    errback: bool = False
    # Its requirements of the properties and labels of the instance.
    requires: Requirements = NOTHING
    # Its preferences among the instances that can run it.
    prefers: Preferences = INDIFFERENT
    # The places of its instance that it takes; None is one.
    slots: Slots | None = None
    # The leader alone runs it.
    leader_only: bool = False
    # The instance that it is kept to.
    affinity: Affinity | None = None


def consumer_for(instance: InstanceInfo, topic: str) -> Consumer | None:
    """Return the instance's consumer of the topic: the most specific, then the highest ranking.

    Of equals, the first announced wins.
    """
    return best_consumer(instance.consumers, topic)


def best_consumer(consumers: Iterable[Consumer], topic: str) -> Consumer | None:
    """Return the consumer among these that runs the topic, or None."""
    matching = (one for one in consumers if one.pattern.matches(topic))
    return max(matching, key=lambda one: (one.pattern.specificity, one.ranking), default=None)


def obstacle_to(
    need: Need, instance: InstanceInfo, consumer: Consumer | None, in_force: Sequence[RoutingRule]
) -> Reason | None:
    """Return the obstacle that keeps the instance from running the job, or None; ignore its load.

    `rules` are those in force that apply to the instance.
    """
    return (
        capable(need, instance, consumer)
        or kept_away(need.affinity, instance.name)
        or allowed(need, instance, in_force)
        or kept_free(need.slots, instance)
        or (_follows(instance) if need.leader_only else None)
        or alive(instance)
        or (travels(need, instance) if instance.peer else None)
        or refused(need, instance)
    )


def capable(need: Need, instance: InstanceInfo, consumer: Consumer | None) -> Reason | None:
    """Return why the instance is not able to run the job, or None."""
    name = instance.name
    if consumer is None:
        return _reason(Obstacle.NO_CONSUMER, f"{name} has no consumer for {need.topic}.")
    if instance.protocol < PROTOCOL_VERSION:  # B10
        spoken = f"{name} speaks protocol {instance.protocol}, not {PROTOCOL_VERSION}."
        return _reason(Obstacle.OLD_PROTOCOL, f"{spoken} Update offload there.")
    if consumer.task in instance.broken:
        sentence = f"{name} refused {consumer.task} too often. Restart it with code that has it."
        return _reason(Obstacle.BROKEN_CONSUMER, sentence)
    return (
        _pool(need, instance, consumer)
        or _unmet(need, instance, consumer)
        or too_small(need.slots, instance)
    )


def allowed(need: Need, instance: InstanceInfo, in_force: Sequence[RoutingRule]) -> Reason | None:
    """Return the switch or rule that forbids the instance to run the job, or None.

    `rules` are those in force that apply to the instance.
    """
    return switched_off(instance) or _judge(instance, need.topic, in_force)


def _follows(instance: InstanceInfo) -> Reason | None:
    """Return the reason if the instance does not lead the own cluster, or None."""
    if instance.is_leader and not instance.is_remote:
        return None
    sentence = f"{instance.name} does not lead, and the job's queue is for the leader alone."
    return _reason(Obstacle.NOT_LEADER, sentence)


def switched_off(instance: InstanceInfo) -> Reason | None:
    """Return the reason if the instance is switched off as a whole, or None."""
    if not instance.is_off:
        return None
    words = instance.switch.words if instance.switch else "is switched off"
    return _reason(Obstacle.OFF, noted(f"{instance.name} {words}", instance.off_note))


def noted(sentence: str, note: str) -> str:
    """Return a sentence with the note, if any."""
    return f"{sentence}: {note.rstrip('.')}." if note else f"{sentence}."


def judge_rules(
    instance: InstanceInfo, topic: str, rules: Iterable[RoutingRule], now: datetime
) -> Reason | None:
    """Return the reason if a rule forbids the topic on the instance now, or None.

    Deny overrides allow. If no allow rule applies, everything that is not denied is allowed.
    """
    in_force = [rule for rule in rules if rule.in_force(now) and rule.applies_to(instance)]
    return _judge(instance, topic, in_force)


def alive(instance: InstanceInfo) -> Reason | None:
    """Return why the instance takes no work now, or None."""
    if instance.mode is Mode.READY:
        return None
    if instance.mode is Mode.GONE and instance.said_goodbye:
        return _reason(Obstacle.GONE, f"{instance.name} was shut down.")
    obstacle = _MODE_OBSTACLES[instance.mode]
    if obstacle in {Obstacle.SUSPECT, Obstacle.DISCONNECTED} and instance.trouble:
        return _reason(obstacle, suspected(instance))
    return _reason(obstacle, f"{instance.name}: {obstacle.sentence}")


def suspected(instance: InstanceInfo) -> str:
    """Return a sentence about a suspect instance: its trouble, since when, and what was done."""
    since, done = instance.mode_at, instance.remedy
    return suspicion(instance.name, instance.trouble, instance.mode, since=since, remedy=done)


def fits(need: Need, instance: InstanceInfo, bound: int) -> Reason | None:
    """Return why the job does not fit the instance while it holds `bound` jobs, or None."""
    return refused(need, instance) or _full(instance, bound)


def refused(need: Need, instance: InstanceInfo) -> Reason | None:
    """Return the reason if this incarnation refused the job, or None; ignore the load."""
    if instance.incarnation in need.excluded:
        return _reason(
            Obstacle.EXCLUDED,
            f"{instance.name} refused this job, or left it waiting, a moment ago.",
        )
    return None


def _full(instance: InstanceInfo, bound: int) -> Reason | None:
    if bound < instance.window:
        return None
    sentence = (
        f"{instance.name} holds {counted(bound, 'job', 'jobs')}, its window is {instance.window}."
    )
    return _reason(Obstacle.WINDOW_FULL, sentence)


def _pool(need: Need, instance: InstanceInfo, consumer: Consumer) -> Reason | None:
    if (need.limit or consumer.limit) and not instance.can_limit:  # R11
        sentence = f"The pool of {instance.name} cannot enforce time limits. Use prefork there."
        return _reason(Obstacle.CANNOT_LIMIT, sentence)
    if need.kill and not instance.can_kill:
        sentence = f"The pool of {instance.name} cannot end a running job. Use prefork there."
        return _reason(Obstacle.CANNOT_KILL, sentence)
    return None


def _unmet(need: Need, instance: InstanceInfo, consumer: Consumer) -> Reason | None:
    """Return all requirements that the instance does not meet, in one reason, or None."""
    asked = need.requires.merged(consumer.requires)
    problems = asked.problems(instance.properties, instance.labels) if asked else ()
    if not problems:
        return None
    return _reason(Obstacle.UNMET, f"{instance.name} does not qualify: {'; '.join(problems)}.")


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
    sentence = noted(f"{rule.title} denies {rule.pattern} on {instance.name}{until}", rule.note)
    return Reason(obstacle=Obstacle.DENIED, detail=sentence, rule_id=rule.id or None)


def _reason(obstacle: Obstacle, detail: str) -> Reason:
    return Reason(obstacle=obstacle, detail=detail)
