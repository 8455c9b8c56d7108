"""The instances: whether they live, lead, and can run what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.judgement import noted
from offload.core.placement.topology import Mode
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, fail, ok, warn
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import module
from offload.models import Instance
from offload.reading import losses
from offload.reading.overview import overview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.reading.lines import InstanceLine
    from offload.reading.overview import Overview

SUBJECT = "instances"


def examine() -> Iterator[Finding]:
    """Yield who lives, who has trouble, and which jobs nobody can run."""
    seen = overview()
    here = [line for line in seen.instances if line.mode is not Mode.GONE]
    yield _count(seen, here)
    if here:
        yield _leader(seen)
    for told, step in losses.told(seen.instances):
        yield warn(SUBJECT, told, step)
    for line in here:
        yield from _trouble(line)
    yield from _failing(seen)
    yield from _consumers(here)
    yield from _stranded(seen)


def _count(seen: Overview, here: list[InstanceLine]) -> Finding:
    if not here:
        start = f"Start a worker: celery -A {module() or 'project'} worker -n NAME@%h"
        return warn(SUBJECT, "No instance is running; jobs wait until one starts.", start)
    if not seen.ready:
        told = f"None of {len(here)} instances takes work."
        return warn(SUBJECT, told, "See below, or: manage.py offload instances")
    return ok(SUBJECT, f"{seen.ready} of {len(here)} instances take work.")


def _leader(seen: Overview) -> Finding:
    if seen.leader:
        return ok(SUBJECT, f"{seen.leader} leads, in term {seen.term}.")
    told = "There is no leader: jobs are bound late, and those of instances that are gone stay."
    return warn(SUBJECT, told, "Look again in a few seconds; then at the workers' logs.")


def _failing(seen: Overview) -> Iterator[Finding]:
    """Yield the leader's duties that fail: nobody else does them."""
    loads = Instance.objects.filter(pk=seen.leader or "").values_list("load", flat=True)
    failing = next((load.get("failing") for load in loads if isinstance(load, dict)), None)
    for name, error in (failing or {}).items():
        told = f"The leader's duty {name!r} fails: {error}"
        yield fail(
            SUBJECT, told, f"Look at the log of {seen.leader}; the leader keeps retrying it."
        )


def _trouble(line: InstanceLine) -> Iterator[Finding]:
    where = f"process {line.pid} on {line.host}"
    if line.is_off:
        told = noted(f"{line.name} is switched off", line.off_note)
        yield warn(SUBJECT, told, f"To switch it on: manage.py offload on {line.name}")
    elif line.mode is not Mode.READY:
        yield warn(SUBJECT, f"{line.name} is {line.mode}.", f"Look at {where} and its log.")


def _consumers(here: list[InstanceLine]) -> Iterator[Finding]:
    patterns = {one.pattern.text for line in here for one in line.consumers}
    if here and not patterns:
        step = "Write a @consumer in a consumers.py of an installed app, and restart the workers."
        yield warn("consumers", "No instance has a consumer, so no job can run.", step)
    elif patterns:
        yield ok(
            "consumers",
            f"{counted(len(patterns), 'topic or pattern is', 'topics and patterns are')} consumed.",
        )
    for instance in snapshot().topology.live:
        for task in sorted(instance.broken):
            told = f"{instance.name} refused {task} too often and is not sent it any more."
            yield warn("consumers", told, "Restart that worker with code that has the task.")


def _stranded(seen: Overview) -> Iterator[Finding]:
    for one in seen.stalls:
        if one.topic:
            told = f"No instance can run {one.topic}; waiting jobs: {one.count}. {one.why}"
            step = f"{one.next_step}\nTo see why: manage.py offload explain {one.topic}"
            yield warn("jobs", told, step)
