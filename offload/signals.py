"""Signals of offload, and their events; they are sent after the commit.

A failing receiver does no harm. Every signal's sender is ``None``. Each sends ``event``, a frozen
value with all facts, beside the arguments named here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.dispatch import Signal

from offload.core.alarms import Alarm, AlarmKind
from offload.core.discovery.mode_changes import ModeChange
from offload.core.files.deliveries import FileDelivered
from offload.core.peers.rule_requests import RequestAnswered
from offload.core.states import JobState
from offload.core.workflows.run_events import RunChange, RunPlaced, StepEnd, StepWaiting

if TYPE_CHECKING:
    from offload.core.retries import Cause

__all__ = [
    "Alarm",
    "AlarmKind",
    "ChangeMade",
    "FileDelivered",
    "ModeChange",
    "RefusedAttempt",
    "RequestAnswered",
    "RunChange",
    "RunPlaced",
    "StateChange",
    "StepEnd",
    "StepWaiting",
    "alarm",
    "change_made",
    "file_delivered",
    "instance_changed",
    "job_changed",
    "request_answered",
    "run_changed",
    "run_placed",
    "stale_attempt",
    "step_ended",
    "step_waits",
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
    #: The type of the error that ended the attempt, as ``module.Name``. None for every other
    #: change, and for an attempt that reported no error itself, as when its process died.
    error_type: str | None = None

    @property
    def is_final(self) -> bool:
        """Return whether the job has ended."""
        return JobState(self.new).is_final

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"job_id": self.job_id, "old": self.old, "new": self.new, "epoch": self.epoch}


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


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """A person changed rules, a switch or a queue, or stopped, removed or retried jobs."""

    #: ``allow``, ``deny``, ``exclusive``, ``edit``, ``clear``, ``off``, ``drain``, ``on``, or
    #: ``end`` of a rule or a switch by itself, or ``add queue``,
    #: ``set queue``, ``suspend queue``, ``resume queue``, ``remove queue``, or ``stop``,
    #: ``stop by force``, ``remove``, ``retry``; or ``send off``, ``accept on``, ``move reset``;
    #: or ``ask deny`` and the like, and ``withdraw``, of requests to other clusters; or ``pause
    #: run``, ``place run`` and others of runs; ``add launcher``, ``launchers off`` and others.
    action: str
    #: The kind of its subject: ``instance``, ``glob``, ``label``, ``queue``, ``job``, ``peer``,
    #: ``run``, ``launcher``.
    kind: str
    #: The name of that instance, glob, label or queue, or the id of the job or run. Of several,
    #: the topic that all jobs have, or "".
    subject: str
    #: A sentence that says what was done.
    text: str
    #: The name of the user, or ``user@host`` at a terminal, or ``user of cluster`` elsewhere.
    actor: str
    #: Where it was asked for: ``admin``, ``terminal``, ``peer`` for another cluster's request, or
    #: ``time`` if nobody asked.
    entrance: str

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"action": self.action, "subject": self.subject, "actor": self.actor}


Event: TypeAlias = (
    StateChange | ModeChange | RefusedAttempt | Alarm | ChangeMade | FileDelivered
    | RequestAnswered | RunChange | RunPlaced | StepEnd | StepWaiting
)  # fmt: skip

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
#: An operator should know this; the event is an ``Alarm``. Arguments: ``fact``, ``next_step``.
alarm = Signal()
#: A person changed rules, a switch or a queue; the event is a ``ChangeMade``. Arguments:
#: ``action``, ``subject``, ``actor``.
change_made = Signal()
#: An output was delivered. Arguments: ``job_id``, ``name``, ``location``.
file_delivered = Signal()
#: A request to change rules in another cluster came to its end; the event is a
#: ``RequestAnswered``. Arguments: ``number``, ``instance``, ``state``.
request_answered = Signal()
#: A run of a workflow began or ended; the event is a ``RunChange``. Arguments: ``run_id``,
#: ``workflow``, ``old``, ``new``.
run_changed = Signal()
#: A run that stays together was placed at an instance; the event is a ``RunPlaced``. Arguments:
#: ``run_id``, ``old``, ``new``.
run_placed = Signal()
#: A step of a run has ended; the event is a ``StepEnd``. Arguments: ``run_id``, ``step``,
#: ``state``.
step_ended = Signal()
#: A step of a run began to wait for a person, a token, an event or a time; the event is a
#: ``StepWaiting``. Arguments: ``run_id``, ``step``, ``kind``.
step_waits = Signal()

#: The signal of each event.
SIGNALS: dict[type[Event], Signal] = {
    StateChange: job_changed,
    ModeChange: instance_changed,
    RefusedAttempt: stale_attempt,
    Alarm: alarm,
    ChangeMade: change_made,
    FileDelivered: file_delivered,
    RequestAnswered: request_answered,
    RunChange: run_changed,
    RunPlaced: run_placed,
    StepEnd: step_ended,
    StepWaiting: step_waits,
}


#: The receivers that write log lines, and their logger.
LOG = "offload.log"
logger = logging.getLogger("offload")
#: The levels of log lines of states that are not logged at DEBUG.
LEVEL_OF_STATE: dict[str, int] = {
    JobState.PENDING: logging.INFO,
    JobState.STOPPED: logging.INFO,
    JobState.DROPPED: logging.INFO,
    JobState.EXPIRED: logging.INFO,
    JobState.GIVEN_UP: logging.WARNING,
    JobState.ERROR: logging.WARNING,
}


def is_heard(new: str) -> bool:
    """Return whether anybody listens for jobs in this state, which may be just the enabled log."""
    return any(one[0][0] != LOG for one in job_changed.receivers) or logger.isEnabledFor(
        LEVEL_OF_STATE.get(new, logging.DEBUG)
    )


def send(event: Event) -> None:
    """Send an event now, with its signal's arguments."""
    SIGNALS[type(event)].send_robust(sender=None, event=event, **event.keywords())


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
