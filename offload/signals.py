"""Signals of offload and the events that they send, after the commit and robustly.

A failing receiver breaks nothing. Every signal's sender is ``None``. Each sends ``event``, a frozen
value with all facts, beside the arguments that are named here.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.dispatch import Signal

from offload.core.placement.topology import Mode
from offload.core.states import JobState

if TYPE_CHECKING:
    from offload.core.retries import Cause

__all__ = [
    "Alarm",
    "AlarmKind",
    "ModeChange",
    "RefusedAttempt",
    "StateChange",
    "alarm",
    "instance_changed",
    "job_changed",
    "stale_attempt",
]


@dataclass(frozen=True, slots=True)
class StateChange:
    """One job went from one state to another.

    A fact is None if the statement that changed the state does not know it.
    """

    #: The job's id.
    job_id: str
    #: The state it left; the value of a `JobState`.
    old: str
    #: The state it is in now; the value of a `JobState`.
    new: str
    #: The number of its latest binding; 0 if it was never bound.
    epoch: int
    #: The job's topic.
    topic: str | None = None
    #: The job's queue.
    queue: str | None = None
    #: The instance it is bound to, or whose attempt ended. None for a job that is bound to none,
    #: and for a binding that was taken back before it began.
    instance: str | None = None
    #: How many attempts have begun, the present one included.
    attempt: int | None = None
    #: Seconds from the submission to the beginning of the attempt, delays and earlier attempts
    #: included. None before it begins, and once the job waits again.
    waited: float | None = None
    #: Seconds from the beginning of the attempt to its end. None while it has not ended.
    ran: float | None = None
    #: Why the attempt or the binding ended without a result. None for every other change.
    cause: Cause | None = None

    @property
    def is_final(self) -> bool:
        """Return whether the job has ended."""
        return JobState(self.new).is_final

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"job_id": self.job_id, "old": self.old, "new": self.new, "epoch": self.epoch}


@dataclass(frozen=True, slots=True)
class ModeChange:
    """An instance changed its mode."""

    #: The instance's name.
    name: str
    #: Which start of that name it is.
    incarnation: str
    #: The mode it is in now.
    mode: Mode
    #: Why, in words.
    reason: str
    #: Whether it is gone without having said goodbye, so that what it ran counts as crashed.
    crashed: bool = False
    #: How many jobs were taken back from it because it is gone.
    moved: int = 0

    @property
    def is_gone(self) -> bool:
        """Return whether this incarnation has left for good."""
        return self.mode == Mode.GONE

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {
            "name": self.name,
            "incarnation": self.incarnation,
            "mode": self.mode,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """An attempt's write was refused because the job has moved on."""

    #: The job's id.
    job_id: str
    #: The binding that the attempt was for.
    epoch: int
    #: False if its message came too late to begin anything, as when an instance drains.
    began: bool = True

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"job_id": self.job_id, "epoch": self.epoch, "began": self.began}


class AlarmKind(enum.StrEnum):
    """The kinds of alarms, to count and to route them by."""

    # A process stands still with a binding, and a rule went on without it.
    BINDING_HELD = "binding_held"
    # An instance refused a task too often, and gets no more of it.
    CONSUMER_BROKEN = "consumer_broken"
    # Most of a fleet fell silent at once.
    FLEET_SILENT = "fleet_silent"
    # A duty of the leader took too long.
    DUTY_OVERDUE = "duty_overdue"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that an operator should know."""

    #: The fact, as a sentence.
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


Event: TypeAlias = StateChange | ModeChange | RefusedAttempt | Alarm

#: A job changed its state; the event is a ``StateChange``. Arguments: ``job_id``, ``old``, ``new``,
#: ``epoch``.
job_changed = Signal()
#: An instance changed its mode; the event is a ``ModeChange``. Arguments: ``name``,
#: ``incarnation``, ``mode``, ``reason``.
instance_changed = Signal()
#: An attempt's write was refused, since the job has moved on; or its message came too late to begin
#: one, as when an instance drains. The event is a ``RefusedAttempt``. Arguments: ``job_id``,
#: ``epoch``, ``began``.
stale_attempt = Signal()
#: Something an operator should know; the event is an ``Alarm``. Arguments: ``fact``,
#: ``next_step``.
alarm = Signal()

#: The signal of each event.
SIGNALS: dict[type[Event], Signal] = {
    StateChange: job_changed,
    ModeChange: instance_changed,
    RefusedAttempt: stale_attempt,
    Alarm: alarm,
}


#: The receivers that write log lines, and their logger.
LOG = "offload.log"
logger = logging.getLogger("offload")
#: The states whose log line is at another level than DEBUG.
LEVEL_OF_STATE = {
    JobState.PENDING: logging.INFO,
    JobState.STOPPED: logging.INFO,
    JobState.DROPPED: logging.INFO,
    JobState.EXPIRED: logging.INFO,
    JobState.GIVEN_UP: logging.WARNING,
    JobState.ERROR: logging.WARNING,
}


def is_heard(new: str) -> bool:
    """Return whether anybody hears of a job that comes to this state; the log, if it is enabled."""
    return any(one[0][0] != LOG for one in job_changed.receivers) or logger.isEnabledFor(
        LEVEL_OF_STATE.get(JobState(new), logging.DEBUG)
    )


def send(event: Event) -> None:
    """Send an event now, beside the arguments of its signal."""
    SIGNALS[type(event)].send_robust(sender=None, event=event, **event.keywords())


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
