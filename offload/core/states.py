"""The states of a job, and how one leads to the next, as data."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.labelled_enum import Explained

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobState(enum.StrEnum):
    """Where a job is on its way."""

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


WAITING = frozenset({JobState.PENDING, JobState.QUEUED})

FINAL = frozenset(JobState) - WAITING - {JobState.ACTIVE}

# Ended without what was asked for, and not by request.
FAILED = frozenset({JobState.GIVEN_UP, JobState.ERROR, JobState.EXPIRED})

# From each state, those a job may go to. Final states lead nowhere: a retry is a new job.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        # To any end without a run too: its replacement fills it, or what it waited for failed.
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
        # Back for another attempt. What has begun can no longer expire.
        JobState.ACTIVE: (FINAL - {JobState.EXPIRED}) | {JobState.PENDING},
        **dict.fromkeys(FINAL, frozenset[JobState]()),
    }
)

# The names by which jobs are asked for.
QUERY_TYPES: Mapping[str, frozenset[JobState]] = MappingProxyType(
    {
        "ALL": frozenset(JobState) - FINAL,
        "QUEUED": WAITING,
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
    """A reason not to bind a PENDING job, whoever could run it."""

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


class Waiting(Explained):
    """Why a PENDING job waits."""

    NOT_DUE = "not_due", "Its time has not come."
    UNASSIGNED = "unassigned", "No instance can and may run its topic now."
    WINDOW_FULL = "window_full", "Every instance that may run it has as many jobs as it can hold."
    QUEUE_LIMIT = "queue_limit", "Its queue runs as many jobs as it may at once."
    SUSPENDED = "suspended", "Its queue is suspended."
    RETRY_DELAY = "retry_delay", "An attempt failed; the next one is not due."
    DEPENDENCY = "dependency", "Jobs it depends on have not ended."


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
