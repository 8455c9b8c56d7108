"""The jobs: recent failures, and those that no known instance is able to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.reasons import all_unmet
from offload.core.placement.routing import plan
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, ok, warn
from offload.fleet.snapshots import now, snapshot
from offload.reading.cluster import failures
from offload.tracking.queries import waiting_lanes

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "jobs"


def examine() -> Iterator[Finding]:
    """Yield how many jobs failed, and which wait for what no known instance has."""
    yield from _failures()
    yield from _unmet()


def _unmet() -> Iterator[Finding]:
    current = snapshot()
    for lane in waiting_lanes():
        need = current.need(lane)
        if need.requires and all_unmet(plan(need, current.topology, now()).verdicts):
            known = [one.properties for one in current.topology.everyone]
            hint = need.requires.unknown(known)
            fact = f"Jobs of {lane.topic} wait for what no known instance has: {need.requires}."
            step = "Start one that has it. What instances have: manage.py offload instances "
            yield warn(SUBJECT, f"{fact} {hint}".rstrip(), f"{step}--properties")


def _failures() -> Iterator[Finding]:
    found = failures.recent()
    if not found.hour:
        before = f" {found.day} did within the last day." if found.day else ""
        yield ok(SUBJECT, f"No job failed within the last hour.{before}")
        return
    most = found.lines[0]
    hour = counted(found.hour, "job", "jobs")
    fact = f"{hour} failed within the last hour, {found.day} within the last day."
    yield warn(
        SUBJECT,
        f"{fact} Most of {most.topic}: {most.name}.",
        f"To see one: manage.py offload job {most.job_id}\n"
        "To see them: manage.py offload jobs --state failed --since 1h\n"
        f"To run them again: manage.py offload retry --topic {most.topic}",
    )
