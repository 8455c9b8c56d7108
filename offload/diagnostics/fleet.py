"""The instances: whether they live, one leads, and waiting jobs can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.instance_conditions import Trouble
from offload.core.placement.topology import Mode
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, fail, ok, warn
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import module
from offload.reading.cluster import announced, lost_instances
from offload.reading.overview import overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.reading.cluster.lines import InstanceLine
    from offload.reading.overview import Overview

SUBJECT = "instances"


def examine() -> Iterator[Finding]:
    """Yield which instances live, which have trouble, and which jobs no instance can run."""
    cluster = overview()
    live = [line for line in cluster.instances if line.mode is not Mode.GONE]
    yield _count(cluster, live)
    if live:
        yield _leader(cluster)
    for fact, step in lost_instances.warnings(cluster.instances):
        yield warn(SUBJECT, fact, step)
    for line in live:
        yield from _trouble(line)
        yield from _unrenewed(line)
    yield from _failing(cluster)
    yield from _consumers(live)
    yield from _stranded(cluster)


def _count(cluster: Overview, live: list[InstanceLine]) -> Finding:
    if not live:
        start = f"Start a worker: celery -A {module() or 'project'} worker -n NAME@%h"
        return warn(SUBJECT, "No instance is running; jobs wait until one starts.", start)
    if not cluster.ready:
        fact = f"None of {len(live)} instances takes work."
        return warn(SUBJECT, fact, "See below, or: manage.py offload instances")
    return ok(SUBJECT, f"{cluster.ready} of {len(live)} instances take work.")


def _leader(cluster: Overview) -> Finding:
    if cluster.leader:
        return ok(SUBJECT, f"{cluster.leader} leads, in term {cluster.term}.")
    fact = "There is no leader: jobs are bound late, and jobs of gone instances do not move."
    return warn(SUBJECT, fact, "Look again in a few seconds; then at the workers' logs.")


def _failing(cluster: Overview) -> Iterator[Finding]:
    """Yield the leader's failing duties, which no other instance does."""
    for name, error in announced.failing_duties(cluster.leader or "").items():
        fact = f"The leader's duty {name!r} fails: {error}"
        yield fail(
            SUBJECT, fact, f"Look at the log of {cluster.leader}; the leader keeps retrying it."
        )


def _trouble(line: InstanceLine) -> Iterator[Finding]:
    where = f"process {line.pid} on {line.host}"
    if line.is_off:
        yield warn(SUBJECT, line.off_reason, f"To switch it on: manage.py offload on {line.name}")
    elif line.trouble:
        yield warn(SUBJECT, line.suspicion, f"{_step(line.trouble)} Look at {where} and its log.")
    elif line.mode is not Mode.READY:
        yield warn(SUBJECT, f"{line.name} is {line.mode}.", f"Look at {where} and its log.")


def _step(trouble: str) -> str:
    return (
        "Look at the broker." if trouble == Trouble.BROKER else "It comes back by itself if it can."
    )


def _unrenewed(line: InstanceLine) -> Iterator[Finding]:
    """Yield the properties whose function raises or hangs."""
    for name, problem in sorted(line.failing_properties.items()):
        has_value = name in line.properties
        kept = f"keeps the value {line.properties[name]!r}" if has_value else "has no value yet"
        fact = f"The property {name!r} of {line.name} {kept}: {problem}."
        step = f"Correct that function, and look at the log of {line.name}; it is called again."
        yield warn(SUBJECT, fact, step)


def _consumers(live: list[InstanceLine]) -> Iterator[Finding]:
    patterns = {one.pattern.text for line in live for one in line.consumers}
    if live and not patterns and (elsewhere := _consuming_peers()):
        fact = f"No instance here has a consumer. Other clusters have: {', '.join(elsewhere)}."
        yield ok("consumers", fact)
    elif live and not patterns:
        step = "Write a @consumer in a consumers.py of an installed app, and restart the workers."
        yield warn("consumers", "No instance has a consumer, so no job can run.", step)
    elif patterns:
        yield ok(
            "consumers",
            f"{counted(len(patterns), 'topic or pattern is', 'topics and patterns are')} consumed.",
        )
    for instance in snapshot().topology.live:
        for task in sorted(instance.broken):
            fact = f"{instance.name} refused {task} too often and is not sent it any more."
            yield warn("consumers", fact, "Restart that worker with code that has the task.")


def _consuming_peers() -> list[str]:
    """Return the clusters that jobs may be sent to and that have a consumer."""
    known = snapshot().topology.remote
    return sorted({one.peer for one in known if one.sends and one.consumers})


def _stranded(cluster: Overview) -> Iterator[Finding]:
    for one in cluster.stalls:
        if one.topic:
            fact = f"No instance can run {one.topic}; waiting jobs: {one.count}. {one.why}"
            step = f"{one.next_step}\nTo see why: manage.py offload explain {one.topic}"
            yield warn("jobs", fact, step)
