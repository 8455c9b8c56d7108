"""The facts on the page of another cluster's instance: what it announced, rules, jobs, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.judgement import consumer_for
from offload.core.placement.rule_status import consumed
from offload.models import Job
from offload.reading import transfers
from offload.reading.cluster.cells import cell_of
from offload.reading.cluster.instance_page import ROWS_SHOWN, Property, jobs_at
from offload.reading.rules import peer_requests

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.reading.cluster.cells import Cell
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.instance_page import Held
    from offload.reading.peers.clusters import PeerLine
    from offload.reading.peers.remote_instances import RemoteLine
    from offload.reading.rules.applied import Applied
    from offload.reading.rules.peer_requests import RequestLine
    from offload.reading.transfers import TransferLine


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTopic:
    """A topic, or pattern, that the instance has a consumer for, or that a rule names of them."""

    task: str
    #: Its status by the rules here and there, and the request about it.
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePage:
    """The facts on the page of another cluster's instance."""

    #: As ``render/gpu1@host``.
    name: str
    peer: PeerLine
    #: None if its cluster does not announce it any more.
    line: RemoteLine | None
    topics: tuple[RemoteTopic, ...]
    #: How many topics and patterns there are beyond those shown.
    more: int
    #: The rules here that apply to it.
    rules: tuple[RoutingRule, ...]
    #: Jobs from here that are bound to it.
    jobs: tuple[Held, ...]
    properties: tuple[Property, ...]
    #: The latest requests about it, the newest first.
    requests: tuple[RequestLine, ...]
    #: The latest transfers of files of jobs that it has or had.
    transfers: tuple[TransferLine, ...]

    @property
    def there(self) -> Applied | None:
        """Return the rules of its own cluster; None if it does not say them."""
        return self.line.applied if self.line else None

    @property
    def rules_there(self) -> tuple[RoutingRule, ...]:
        """Return those rules, so many as are shown."""
        return self.there.rules[:ROWS_SHOWN] if self.there else ()

    @property
    def shown(self) -> tuple[object, ...]:
        """Return the facts that pages show, without ages: they change all the time."""
        asked = [one.shown for one in self.requests]
        listed = self.topics, self.rules, self.jobs, self.properties, self.transfers
        return self.name, self.peer.shown, self.line and self.line.shown, listed, asked


def page(facts: ClusterFacts, name: str) -> RemotePage | None:
    """Return the page of an instance; None if no cluster announces it and nothing is known of it.

    An instance that is not announced any more has one while jobs or requests name it.
    """
    peer = next((one for one in facts.peers if name.startswith(f"{one.name}/")), None)
    if peer is None:
        return None
    line, requests = facts.remote.get(name), peer_requests.about(name)
    if line is None and not requests and not Job.objects.filter(instance=name).exists():
        return None
    topics = _topics(facts, line) if line else ()
    return RemotePage(
        name=name,
        peer=peer,
        line=line,
        topics=topics[:ROWS_SHOWN],
        more=max(0, len(topics) - ROWS_SHOWN),
        rules=facts.ruling(line.info)[:ROWS_SHOWN] if line else (),
        jobs=jobs_at(name),
        properties=_properties(line) if line else (),
        requests=requests,
        transfers=transfers.with_instance(peer.name, name),
    )


def _topics(facts: ClusterFacts, line: RemoteLine) -> tuple[RemoteTopic, ...]:
    """Return the topics and patterns of its consumers, and those of them that rules name."""
    tasks = {one.pattern.text: one.task for one in line.info.consumers}
    rules = (*facts.ruling(line.info), *(line.applied.rules if line.applied else ()))
    named = {one.pattern.text for one in rules} - tasks.keys()
    tasks |= {one: task for one in named if (task := _task(line.info, one))}
    return tuple(
        RemoteTopic(task=task, cell=cell_of(facts, pattern, line.info))
        for pattern, task in sorted(tasks.items())
    )


def _task(instance: InstanceInfo, row: str) -> str:
    """Return the task of what a rule names; "" if the instance has none, or several, for it."""
    consumers = (consumer_for(instance, topic) for topic in consumed(instance, row))
    tasks = {one.task for one in consumers if one}
    return tasks.pop() if len(tasks) == 1 else ""


def _properties(line: RemoteLine) -> tuple[Property, ...]:
    found = sorted(line.info.properties.items())
    return tuple(Property(name=name, value=value, problem="") for name, value in found)
