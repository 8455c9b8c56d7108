"""The cluster at one moment, for whoever looks at it: read by four statements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from offload.core.placement.judgement import Need, consumer_for, obstacle_to
from offload.core.placement.routing import plan
from offload.core.placement.topology import Mode, Scope
from offload.core.texts import version_of
from offload.core.topics import examples
from offload.fleet.snapshots import now, snapshot
from offload.models import Rule
from offload.reading import failures, instance_rows
from offload.reading.counts import Counts, count
from offload.reading.failures import Failures
from offload.reading.lines import InstanceLine, TopicLine

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from offload.core.placement.topology import InstanceInfo, RoutingRule, RuleVerb, Topology
    from offload.core.policies import Policy
    from offload.reading.instance_rows import Line

InstanceT = TypeVar("InstanceT", bound=InstanceLine)
TopicT = TypeVar("TopicT", bound=TopicLine)

#: Seconds for which one that died is told of, unless it comes back.
RECENTLY_DIED_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """Everything about the cluster at one moment; what follows from it is worked out once."""

    now: datetime
    topology: Topology
    policies: tuple[Policy, ...] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    failures: Failures = field(default_factory=Failures)
    #: Seconds since rules were made, by their ids.
    rule_ages: Mapping[int, float] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Return a text that differs where a page about topics and instances does."""
        counts = self.counts
        jobs = [sorted(one.items()) for one in (counts.waiting, counts.queued, counts.active)]
        queues = [(topic, sorted(due.items())) for topic, due in sorted(counts.due_in.items())]
        later = sorted((topic, one.count) for topic, one in counts.later.items())
        failed = [(one.job_id, one.hour, one.day) for one in self.failures.lines]
        applied = [(name, line.applied) for name, line in self.lines.items()]
        named = (self.topology.version, self.topology.period(self.now), sorted(counts.recent))
        lost = sorted(self.silent), self.died
        return version_of((named, jobs, queues, later, failed, applied, lost))

    @property
    def known(self) -> tuple[InstanceInfo, ...]:
        """Return the instances whose rows were read, those that are gone included."""
        return tuple(one for one in self.topology.instances if one.name in self.lines)

    @cached_property
    def consumed(self) -> frozenset[str]:
        """Return the topics and patterns that an instance that is here has a consumer for."""
        return frozenset(
            one.pattern.text for instance in self.topology.live for one in instance.consumers
        )

    @property
    def topics(self) -> frozenset[str]:
        """Return what is consumed, ruled, waits, runs, or came lately."""
        return self.consumed | {rule.pattern.text for rule in self.rules} | self.counts.topics

    def instance_line(self, one: InstanceInfo, kind: type[InstanceT], **more: Any) -> InstanceT:
        """Return what is said of an instance, with `more` of what a page says of it."""
        line = self.lines[one.name]
        return kind(
            name=one.name,
            mode=one.mode,
            is_off=one.is_off,
            off_note=one.off_note,
            beat_age_seconds=line.beat_age,
            concurrency=one.concurrency,
            window=one.window,
            running=self.counts.running_on(one.name),
            bound=self.counts.bound_to(one.name),
            consumers=one.consumers,
            is_leader=one.is_leader and one.is_live,
            is_behind=one.name in self.behind,
            is_silent=one.name in self.silent,
            has_died=one.name in self.died,
            joined=one.joined,
            cluster=one.cluster,
            labels=tuple(sorted(one.labels)),
            host=line.host,
            pid=line.pid,
            started_at=line.started_at,
            beat_at=line.beat_at,
            gone_because="" if one.is_live else line.gone_because,
            **more,
        )

    def topic_line(self, topic: str, kind: type[TopicT], **more: Any) -> TopicT:
        """Return what is said of a topic or pattern, with `more` of what a page says of it."""
        later = self.counts.later.get(topic)
        # Of a pattern, a topic that nothing names exactly.
        need = Need(topic=examples(topic)[-1])
        return kind(
            topic=topic,
            waiting=self.counts.waiting.get(topic, 0),
            bound=self.counts.bound(topic),
            active=self.counts.running(topic),
            can_run=sum(
                one.instance.name not in self.silent
                for one in plan(need, self.topology, self.now).candidates
            ),
            later=later.count if later else 0,
            retrying=later.retrying if later else 0,
            due_in=round(later.seconds, 3) if later else None,
            **more,
        )

    def can_anyone(self, topic: str) -> bool:
        """Tell whether an instance that beats can and may run it, without asking all of them."""
        need = Need(topic=examples(topic)[-1])
        return any(
            obstacle_to(need, one, consumer_for(one, need.topic), self.ruling(one)) is None
            for one in self.topology.live
            if one.name not in self.silent
        )

    @cached_property
    def rules(self) -> tuple[RoutingRule, ...]:
        """Return the rules in force."""
        return tuple(rule for rule in self.topology.rules if rule.in_force(self.now))

    def ruling(self, instance: InstanceInfo) -> tuple[RoutingRule, ...]:
        """Return the rules in force that apply to an instance."""
        return self._ruling.get(instance.name, ())

    @cached_property
    def _ruling(self) -> Mapping[str, tuple[RoutingRule, ...]]:
        return {
            one.name: tuple(rule for rule in self.rules if rule.applies_to(one))
            for one in self.topology.live
        }

    @cached_property
    def silent(self) -> frozenset[str]:
        """Return the instances that do not beat, and that nobody has declared gone."""
        lines = ((one.name, self.lines.get(one.name)) for one in self.topology.live)
        return frozenset(name for name, line in lines if line and line.is_silent)

    @cached_property
    def died(self) -> tuple[str, ...]:
        """Return the instances that went lately without a goodbye."""
        gone = (one for one in self.topology.instances if not one.is_live)
        unasked = (one.name for one in gone if not one.said_goodbye and one.name in self.lines)
        return tuple(name for name in unasked if self.lines[name].beat_age < RECENTLY_DIED_SECONDS)

    @cached_property
    def ready(self) -> int:
        """Return how many instances take work."""
        able = (one for one in self.topology.live if one.mode is Mode.READY and not one.is_off)
        return sum(one.name not in self.silent for one in able)

    @cached_property
    def behind(self) -> frozenset[str]:
        """Return the instances that act by other rules than those there are."""
        return frozenset(one.name for one in self.topology.live if self._is_behind(one))

    def _is_behind(self, instance: InstanceInfo) -> bool:
        line = self.lines.get(instance.name)
        if line is None or line.applied is None:
            return True
        acts = {_effect(rule) for rule in line.applied.rules if rule.in_force(self.now)}
        should = {_effect(rule) for rule in self.ruling(instance)}
        return line.applied.is_off != instance.is_off or acts != should

    @cached_property
    def failed(self) -> Mapping[str, tuple[int, int]]:
        """Return by topic how many jobs failed within the last hour, and the last day."""
        found: dict[str, tuple[int, int]] = {}
        for line in self.failures.lines:
            hour, day = found.get(line.topic, (0, 0))
            found[line.topic] = hour + line.hour, day + line.day
        return found

    @cached_property
    def own_verbs(self) -> Mapping[tuple[str, str], tuple[RuleVerb, ...]]:
        """Return the verbs of the rules for one instance, by it and the pattern."""
        found: dict[tuple[str, str], tuple[RuleVerb, ...]] = {}
        for rule in self.rules:
            if rule.scope is Scope.INSTANCE:
                key = rule.target, rule.pattern.text
                found[key] = (*found.get(key, ()), rule.verb)
        return found


def read() -> ClusterFacts:
    """Ask the database."""
    return replace(now_here(), failures=failures.recent())


def now_here() -> ClusterFacts:
    """Ask for all but what failed."""
    return replace(without_rows(), lines=instance_rows.read())


def without_rows() -> ClusterFacts:
    """Ask for the topology and the counts of jobs alone."""
    seen = snapshot(fresh=True)
    return ClusterFacts(now=now(), topology=seen.topology, policies=seen.policies, counts=count())


def _effect(rule: RoutingRule) -> tuple[object, ...]:
    return rule.verb, rule.pattern.text, rule.until


def with_rule_ages(facts: ClusterFacts, ids: Collection[int]) -> ClusterFacts:
    """Return the facts with the ages of these rules."""
    found = Rule.objects.filter(pk__in=ids).annotate(age=instance_rows.age("created_at"))
    ages = {pk: age.total_seconds() for pk, age in found.values_list("pk", "age")}
    return replace(facts, rule_ages=ages)
