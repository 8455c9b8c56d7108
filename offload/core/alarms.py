"""Alarms: what operators should know."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class AlarmKind(enum.StrEnum):
    """The kinds of alarms, to count and to route them by."""

    # A process froze while it was binding jobs, and a rule went on without it.
    BINDING_HELD = "binding_held"
    # An instance refused a task too often, and gets no more of it.
    CONSUMER_BROKEN = "consumer_broken"
    # Most of a fleet fell silent at once.
    FLEET_SILENT = "fleet_silent"
    # Nothing is heard of another cluster.
    PEER_SILENT = "peer_silent"
    # A step of a run that failed could not be undone.
    COMPENSATION_FAILED = "compensation_failed"
    # A duty of the leader took too long.
    DUTY_OVERDUE = "duty_overdue"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that operators should know."""

    #: The fact, as a sentence for people.
    fact: str
    #: The next step, as a sentence.
    next_step: str
    #: The kind of it.
    kind: AlarmKind
    #: The instances it is about, by name.
    instances: tuple[str, ...] = ()

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"fact": self.fact, "next_step": self.next_step}
