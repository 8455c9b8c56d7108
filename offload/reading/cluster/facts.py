"""The facts about the cluster at one moment, read by four statements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from offload.core.placement.judgement import Need, consumer_for, obstacle_to
from offload.core.placement.routing import plan
from offload.core.placement.rule_status import is_sent
from offload.core.placement.topology import Mode, Scope
from offload.core.texts import version_of
from offload.core.topics import examples
from offload.fleet.snapshots import now, snapshot
from offload.reading.cluster import failures, instance_rows
from offload.reading.cluster.counts import Counts, count
from offload.reading.cluster.failures import Failures
from offload.reading.cluster.lines import InstanceLine, TopicLine
from offload.reading.peers import clusters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.core.placement.topology import InstanceInfo, RoutingRule, RuleVerb, Topology
    from offload.core.policies import Policy
    from offload.reading.cluster.instance_rows import Line
    from offload.reading.peers.clusters import PeerLine, RefusalLine
    from offload.reading.peers.remote_instances import RemoteLine

InstanceT = TypeVar("InstanceT", bound=InstanceLine)
TopicT = TypeVar("TopicT", bound=TopicLine)

#: Seconds for which a dead instance is reported, unless it comes back.
RECENTLY_DIED_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """The facts about the cluster at one moment; derived facts are computed once."""

    now: datetime
    topology: Topology
    policies: tuple[Policy, ...] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    failures: Failures = field(default_factory=Failures)
    #: Seconds since each rule was made, by its id.
    rule_ages: Mapping[int, float] = field(default_factory=dict)
    #: Other clusters, and how often messages were refused that name none of them.
    peers: tuple[PeerLine, ...] = ()
    refusals: tuple[RefusalLine, ...] = ()

    @cached_property
    def version(self) -> str:
        """Return a text that changes with any page about topics and instances."""
        counts = self.counts
        jobs = [sorted(one.items()) for one in (counts.waiting, counts.queued, counts.active)]
        queues = [(topic, sorted(due.items())) for topic, due in sorted(counts.due_in.items())]
        later = sorted((topic, one.count) for topic, one in counts.later.items())
        failed = [(one.job_id, one.hour, one.day) for one in self.failures.lines]
        applied = [(name, line.applied) for name, line in self.lines.items()]
        named = (self.topology.version, self.topology.period(self.now), sorted(counts.recent))
        lost = sorted(self.silent), self.died
        others = [one.shown for one in self.peers], [(one.kind, one.count) for one in self.refusals]
        return version_of((named, jobs, queues, later, failed, applied, lost, others))

    @property
    def known(self) -> tuple[InstanceInfo, ...]:
        """Return the instances whose rows were read, including gone ones."""
        return tuple(one for one in self.topology.instances if one.name in self.lines)

    @cached_property
    def consumed(self) -> frozenset[str]:
        """Return the topics and patterns that an instance has a consumer for, and may be sent."""
        return frozenset(
            one.pattern.text
            for instance in self.topology.present
            for one in instance.consumers
            if is_sent(instance, one.pattern.text)
        )

    @property
    def topics(self) -> frozenset[str]:
        """Return all topics and patterns: of consumers, rules, and unfinished or recent jobs."""
        return self.consumed | {rule.pattern.text for rule in self.rules} | self.counts.topics

    def instance_line(self, one: InstanceInfo, kind: type[InstanceT], **more: Any) -> InstanceT:
        """Return an instance's line as a `kind`, with `more` fields."""
        line = self.lines[one.name]
        return kind(
            name=one.name,
            mode=one.mode,
            mode_at=one.mode_at,
            trouble=one.trouble,
            remedy=one.remedy,
            is_off=one.is_off,
            off_note=one.off_note,
            switch=one.switch,
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
            said_goodbye=one.said_goodbye,
            joined=one.joined,
            cluster=one.cluster,
            labels=tuple(sorted(one.labels)),
            properties=one.properties,
            failing_properties=line.failing_properties if one.is_live else {},
            host=line.host,
            pid=line.pid,
            started_at=line.started_at,
            beat_at=line.beat_at,
            gone_because="" if one.is_live else line.gone_because,
            **more,
        )

    def topic_line(self, topic: str, kind: type[TopicT], **more: Any) -> TopicT:
        """Return the line of a topic or pattern as a `kind`, with `more` fields."""
        later = self.counts.later.get(topic)
        # For a pattern, a sample topic that no rule names exactly.
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
        """Tell whether any instance with a heartbeat can and may run the topic."""
        need = Need(topic=examples(topic)[-1])
        return any(
            obstacle_to(need, one, consumer_for(one, need.topic), self.ruling(one)) is None
            for one in self.topology.present
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
            for one in self.topology.present
        }

    @cached_property
    def silent(self) -> frozenset[str]:
        """Return the instances without a recent heartbeat that are not declared gone."""
        lines = ((one.name, self.lines.get(one.name)) for one in self.topology.live)
        return frozenset(name for name, line in lines if line and line.is_silent)

    @cached_property
    def died(self) -> tuple[str, ...]:
        """Return the instances that recently left without saying goodbye."""
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
        """Return the instances that have not applied the current rules."""
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
        """Return the numbers of jobs that failed within the last hour and day, by topic."""
        found: dict[str, tuple[int, int]] = {}
        for line in self.failures.lines:
            hour, day = found.get(line.topic, (0, 0))
            found[line.topic] = hour + line.hour, day + line.day
        return found

    @cached_property
    def remote(self) -> Mapping[str, RemoteLine]:
        """Return the instances of other clusters, as those announced them, by their names."""
        return {line.info.name: line for peer in self.peers for line in peer.instances}

    @cached_property
    def own_verbs(self) -> Mapping[tuple[str, str], tuple[RuleVerb, ...]]:
        """Return the verbs of rules for single instances, by instance and pattern."""
        found: dict[tuple[str, str], tuple[RuleVerb, ...]] = {}
        for rule in self.rules:
            if rule.scope is Scope.INSTANCE:
                key = rule.target, rule.pattern.text
                found[key] = (*found.get(key, ()), rule.verb)
        return found


def read() -> ClusterFacts:
    """Read the facts from the database."""
    return replace(
        now_here(),
        failures=failures.recent(),
        peers=clusters.read(),
        refusals=clusters.unknown_refusals(),
    )


def now_here() -> ClusterFacts:
    """Read everything except failures."""
    return replace(without_rows(), lines=instance_rows.read())


def without_rows() -> ClusterFacts:
    """Read only the topology and the counts of jobs."""
    at = snapshot(fresh=True)
    return ClusterFacts(now=now(), topology=at.topology, policies=at.policies, counts=count())


def _effect(rule: RoutingRule) -> tuple[object, ...]:
    return rule.verb, rule.pattern.text, rule.until
