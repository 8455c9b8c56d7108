"""Log lines for offload's signals, by the logger ``offload``; connected by importing this.

The everyday way of a job is told at DEBUG, what ended it or sent it back at INFO, and what an
operator should look at above that.
"""

from __future__ import annotations

import logging

from django.dispatch import receiver

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.fleet.row_values import GOODBYE
from offload.signals import alarm, instance_changed, job_changed, stale_attempt

logger = logging.getLogger("offload")

#: Where a job that comes there is told at another level than DEBUG.
LEVEL_OF_STATE = {
    JobState.PENDING: logging.INFO,
    JobState.STOPPED: logging.INFO,
    JobState.DROPPED: logging.INFO,
    JobState.EXPIRED: logging.INFO,
    JobState.GIVEN_UP: logging.WARNING,
    JobState.ERROR: logging.WARNING,
}

#: Modes in which an instance takes no work although nobody asked it to stop.
TROUBLED_MODES = frozenset({Mode.SUSPECT, Mode.RECONNECTING})


@receiver(job_changed, dispatch_uid="offload.log")
def log_job(*, job_id: str, old: str, new: str, epoch: int, **_: object) -> None:
    """Tell of a job that changed its state."""
    level = LEVEL_OF_STATE.get(JobState(new), logging.DEBUG)
    logger.log(level, "job %s: %s -> %s (epoch %d)", job_id, old, new, epoch)


@receiver(instance_changed, dispatch_uid="offload.log")
def log_instance(*, name: str, incarnation: str, mode: str, reason: str, **_: object) -> None:
    """Tell of an instance that changed its mode."""
    lost = mode == Mode.GONE and reason != GOODBYE
    level = logging.WARNING if lost or mode in TROUBLED_MODES else logging.INFO
    logger.log(level, "instance %s is %s: %s (incarnation %s)", name, mode, reason, incarnation)


@receiver(stale_attempt, dispatch_uid="offload.log")
def log_stale_attempt(*, job_id: str, epoch: int, began: bool, **_: object) -> None:
    """Tell of a write that was refused; of what never began the worker itself tells, and why."""
    if not began:
        return
    logger.warning("job %s: attempt %d was overtaken; what it wrote is discarded", job_id, epoch)


@receiver(alarm, dispatch_uid="offload.log")
def log_alarm(*, fact: str, next_step: str, **_: object) -> None:
    """Tell of what an operator should know."""
    logger.error("%s; %s", fact, next_step)
