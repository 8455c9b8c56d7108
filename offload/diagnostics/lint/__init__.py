"""The lint of the cluster as it stands: consumers, rules and queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.lint import consumer_lint, queue_lint, resource_lint, rule_lint
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, ok, warn
from offload.fleet.snapshots import now, snapshot
from offload.reading.cluster import resources
from offload.tracking.queries import waiting_lanes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.lint.problems import Problem

__all__ = ["examine", "problems"]

SUBJECT = "lint"


def problems() -> tuple[Problem, ...]:
    """Return the problems of consumers, rules and queues; the notes come last.

    It reads the topology, the queues and the topics of waiting jobs.
    """
    current, moment = snapshot(fresh=True), now()
    topology, policies = current.topology, current.policies
    found = [
        *consumer_lint.not_consumed(topology, {lane.topic for lane in waiting_lanes()}),
        *consumer_lint.denied(topology, moment),
        *consumer_lint.shadowed(topology),
        *queue_lint.unmatched(policies, topology),
        *queue_lint.shadowed(policies),
        *resource_lint.wanting(policies, topology, resources.capacities()),
        *rule_lint.unmatched(topology),
        *rule_lint.shadowed(topology, moment),
        *consumer_lint.single(topology, moment),
        *queue_lint.unused_limits(policies, topology),
        *queue_lint.unused_escalations(policies, topology),
        *queue_lint.unable_leaders(policies, topology),
        *queue_lint.lonely_rescues(policies, topology),
    ]
    return tuple(sorted(found, key=lambda one: one.kind.is_note))


def examine() -> Iterator[Finding]:
    """Yield how many problems there are that are more than a note."""
    wrong = sum(not one.kind.is_note for one in problems())
    if wrong:
        fact = f"{counted(wrong, 'problem', 'problems')} of consumers, rules and queues."
        yield warn(SUBJECT, fact, "To see them: manage.py offload lint")
    else:
        yield ok(SUBJECT, "Consumers, rules and queues fit together.")
