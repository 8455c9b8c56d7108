"""One problem that the lint found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ProblemKind(enum.StrEnum):
    """The kinds of problems."""

    # Jobs wait, and no known instance has a consumer for them.
    NOT_CONSUMED = "not_consumed"
    # Each instance with the consumer is forbidden to run it.
    ALL_DENIED = "all_denied"
    # A single instance may run it; its end stops the topic.
    SINGLE_INSTANCE = "single_instance"
    # Another consumer of the same instance takes all its topics.
    CONSUMER_SHADOWED = "consumer_shadowed"
    # No known instance consumes any topic of the queue.
    QUEUE_UNMATCHED = "queue_unmatched"
    # Other queues take all topics of a pattern.
    QUEUE_SHADOWED = "queue_shadowed"
    # More jobs than the instances can run at once.
    LIMIT_UNUSED = "limit_unused"
    # It raises what nothing requires.
    ESCALATION_UNUSED = "escalation_unused"
    # An instance could not run its jobs if it led.
    LEADER_UNABLE = "leader_unable"
    # No other instance could run what one loses.
    RESCUE_ALONE = "rescue_alone"
    # Less of a resource than one job uses.
    RESOURCE_WANTING = "resource_wanting"
    # No known instance has the name or the label.
    RULE_UNMATCHED = "rule_unmatched"
    # Another rule decides each topic before it.
    RULE_SHADOWED = "rule_shadowed"

    @property
    def is_note(self) -> bool:
        """Tell whether it may well be intended."""
        return self in _NOTES


_NOTES = {
    ProblemKind.SINGLE_INSTANCE,
    ProblemKind.LIMIT_UNUSED,
    ProblemKind.ESCALATION_UNUSED,
    ProblemKind.LEADER_UNABLE,
    ProblemKind.RESCUE_ALONE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fact about a topic, a rule or a queue, and the next step."""

    kind: ProblemKind
    # The name of the queue, the title of the rule, the topic or pattern.
    subject: str
    fact: str
    next_step: str
