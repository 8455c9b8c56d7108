"""The states of a job and their transitions, as data, and why it waits."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class Explained(enum.StrEnum):
    """A text constant whose members carry a sentence for people."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        """Make a member that equals `value` and is explained by `sentence`."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class JobState(enum.StrEnum):
    """The state of a job."""

    # Stored and bound to nobody; `Waiting` says why.
    PENDING = "PENDING"
    # Bound to an instance and published; not begun.
    QUEUED = "QUEUED"
    # Claimed by an attempt: it runs, or was handed over to an asynchronous end.
    ACTIVE = "ACTIVE"
    # Ended with a result.
    SUCCEEDED = "SUCCEEDED"
    # Ended by request.
    STOPPED = "STOPPED"
    # Failed or crashed more often than its queue allows.
    GIVEN_UP = "GIVEN_UP"
    # Can never succeed: its outcome says so, or it is infeasible or unreadable.
    ERROR = "ERROR"
    # Removed before its end.
    DROPPED = "DROPPED"
    # Not begun in the time it had.
    EXPIRED = "EXPIRED"

    @property
    def is_final(self) -> bool:
        """Tell whether a job never leaves this state."""
        return self in FINAL


UNSTARTED = frozenset({JobState.PENDING, JobState.QUEUED})

FINAL = frozenset(JobState) - UNSTARTED - {JobState.ACTIVE}

# Ended without a result, and not on request.
FAILED = frozenset({JobState.GIVEN_UP, JobState.ERROR, JobState.EXPIRED})

# The states that each state may lead to. Final states lead nowhere: a retry is a new job.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        # To any end without a run too: its replacement fills it, or a dependency failed.
        JobState.PENDING: FINAL | {JobState.QUEUED},
        # Back on recall, refusal, or when the instance is gone. A result needs an attempt.
        JobState.QUEUED: frozenset(
            {
                JobState.PENDING,
                JobState.ACTIVE,
                JobState.STOPPED,
                JobState.ERROR,
                JobState.DROPPED,
                JobState.EXPIRED,
            }
        ),
        # Back for another attempt. A job that has begun can no longer expire.
        JobState.ACTIVE: (FINAL - {JobState.EXPIRED}) | {JobState.PENDING},
        **dict.fromkeys(FINAL, frozenset[JobState]()),
    }
)

# Groups of states, for queries.
QUERY_TYPES: Mapping[str, frozenset[JobState]] = MappingProxyType(
    {
        "ALL": frozenset(JobState) - FINAL,
        "QUEUED": UNSTARTED,
        "ACTIVE": frozenset({JobState.ACTIVE}),
        "HISTORY": FINAL,
        "SUCCEEDED": frozenset({JobState.SUCCEEDED}),
        "FAILED": FAILED,
        "CANCELLED": FINAL - {JobState.SUCCEEDED},
        "STOPPED": frozenset({JobState.STOPPED}),
        "GIVEN_UP": frozenset({JobState.GIVEN_UP}),
        "ERROR": frozenset({JobState.ERROR}),
        "DROPPED": frozenset({JobState.DROPPED}),
        "EXPIRED": frozenset({JobState.EXPIRED}),
    }
)

_CELERY_FINAL: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.SUCCEEDED: "SUCCESS",
        JobState.GIVEN_UP: "FAILURE",
        JobState.ERROR: "FAILURE",
        JobState.STOPPED: "REVOKED",
        JobState.DROPPED: "REVOKED",
        JobState.EXPIRED: "REVOKED",
    }
)


class Hold(enum.StrEnum):
    """A reason not to bind a PENDING job, even if an instance could run it."""

    # Nothing does.
    NONE = ""
    # Other jobs must end first.
    DEPENDENCY = "dependency"
    # It was replaced by a canvas, whose last job fills it.
    REPLACED = "replaced"
    # It was running when its instance crashed: one such job per instance at a time.
    SUSPECT = "suspect"
    # It is a plain Celery task: published as one, never bound.
    RELAY = "relay"
    # It was submitted while its queue drained, and waits until that is resumed.
    DRAIN = "drain"
    # It is a clone, and its files are still on their way from its home.
    PAYLOAD = "payload"


class Waiting(Explained):
    """Why a PENDING job waits."""

    NOT_DUE = "not_due", "It is not due yet."
    UNASSIGNED = "unassigned", "No instance can and may run its topic now."
    WINDOW_FULL = "window_full", "Every instance that may run it has as many jobs as it can hold."
    QUEUE_LIMIT = "queue_limit", "Its queue runs as many jobs as it may at once."
    RATE_LIMIT = "rate_limit", "Its queue has begun as many jobs as it may for the moment."
    CLOSED = "closed", "Its queue does not run at this time."
    KEY_LIMIT = "key_limit", "As many jobs of its key run as may at once."
    KEY_ORDER = "key_order", "Jobs of its key run one at a time, in order."
    INSTANCE_LIMIT = "instance_limit", "Each instance has as many jobs of its queue as it may."
    HOST_LIMIT = "host_limit", "Each host has as many jobs of its queue as it may."
    RESOURCE = "resource", "What it uses of a resource is not free."
    SUSPENDED = "suspended", "Its queue is suspended."
    DRAINED = "drained", "Its queue drains: what came before runs, and it waits for its resumption."
    RETRY_DELAY = "retry_delay", "An attempt failed; the next one is not due yet."
    DEPENDENCY = "dependency", "Jobs it depends on have not ended."
    PAYLOAD = "payload", "Its files are on their way from its home."


def allowed(old: JobState, new: JobState) -> bool:
    """Tell whether a job may go from one state to the other."""
    return new in TRANSITIONS[old]


def celery_state(state: JobState, *, attempts: int, tracks_started: bool = True) -> str:
    """Return the state that Celery shows for such a job.

    `attempts` counts the claimed bindings, the running one included.
    """
    if state.is_final:
        return _CELERY_FINAL[state]
    if state is JobState.ACTIVE and tracks_started:
        return "STARTED"
    before = attempts - 1 if state is JobState.ACTIVE else attempts
    return "RETRY" if before > 0 else "PENDING"
