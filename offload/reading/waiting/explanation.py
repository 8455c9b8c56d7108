"""The explanation of where a job would run, or why it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.placement.reasons import all_unmet

if TYPE_CHECKING:
    from offload.core.admission.gates import GateVerdict
    from offload.core.admission.suggestions import Suggestion
    from offload.core.matching.escalation import Escalated
    from offload.core.placement.reasons import Verdict
    from offload.core.states import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where a job of a topic would run, or why it would wait, with a verdict per instance."""

    topic: str
    queue: str
    #: The instance that would run it, or None.
    instance: str | None
    #: Why it would wait, or None.
    waiting: Waiting | None
    sentence: str
    #: One per instance, the one nearest to running it first.
    verdicts: tuple[Verdict, ...]
    #: The requirements of the job and of its queue.
    requires: Requirements = NOTHING
    #: The preferences of the job and of its queue.
    prefers: Preferences = INDIFFERENT
    #: Requirements raised after attempts that ran out of memory or time.
    raised: tuple[Escalated, ...] = ()
    #: Why a job that has failed ran where it did; else empty.
    where_it_ran: str = ""
    #: A hint at a preferred property that no known instance has; else empty.
    hint: str = ""
    #: The next step; empty if nothing needs to be done.
    next_step: str = ""
    #: One per gate of its queue: limits, and all else that holds jobs back.
    gates: tuple[GateVerdict, ...] = ()
    #: The least change that would place it; None if it waits for nothing that people can change.
    suggestion: Suggestion | None = None
    #: The key by which its queue tells the job apart; empty for none.
    key: str = ""

    @property
    def infeasible(self) -> bool:
        """Tell whether no known instance has a consumer for the topic."""
        return all(one.task is None for one in self.verdicts)

    @property
    def is_unmet(self) -> bool:
        """Tell whether each known instance with a consumer lacks something that is required."""
        return all_unmet(self.verdicts)

    def as_dict(self) -> dict[str, object]:
        """Return the explanation as JSON values."""
        return {
            "topic": self.topic,
            "queue": self.queue,
            "key": self.key,
            "instance": self.instance,
            "waiting": self.waiting.value if self.waiting else None,
            "sentence": self.sentence,
            "next_step": self.next_step,
            "requires": self.requires.given,
            "prefers": self.prefers.given,
            "raised": [one.as_dict() for one in self.raised],
            "where_it_ran": self.where_it_ran,
            "suggestion": self.suggestion.as_dict() if self.suggestion else None,
            "gates": [one.as_dict() for one in self.gates],
            "instances": [_verdict(one) for one in self.verdicts],
        }


def _verdict(verdict: Verdict) -> dict[str, object]:
    reason = verdict.reason
    return {
        "instance": verdict.instance,
        "task": verdict.task,
        "can_run": verdict.can_run,
        "obstacle": reason.obstacle.value if reason else None,
        "detail": reason.detail if reason else "",
        "rule": reason.rule_id if reason else None,
        "there": verdict.there,
        "score": verdict.score,
        "meets": [[one.wanted.given, one.weight] for one in verdict.preferences],
    }
