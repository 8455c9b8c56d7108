"""Log lines for offload's signals, by the logger ``offload``; connected by importing this.

The everyday way of a job is told at DEBUG, what ended it or sent it back at INFO, and what an
operator should look at above that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.dispatch import receiver

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.fleet.row_values import GOODBYE
from offload.signals import (
    LEVEL_OF_STATE,
    LOG,
    alarm,
    instance_changed,
    job_changed,
    logger,
    stale_attempt,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.signals import StateChange

#: Modes in which an instance takes no work although nobody asked it to stop.
TROUBLED_MODES = frozenset({Mode.SUSPECT, Mode.RECONNECTING})


@receiver(job_changed, dispatch_uid=LOG)
def log_job(
    *,
    job_id: str,
    old: str,
    new: str,
    epoch: int,
    event: StateChange | None = None,
    **_: object,
) -> None:
    """Tell of a job that changed its state; the record has the event, too."""
    level = LEVEL_OF_STATE.get(JobState(new), logging.DEBUG)
    if logger.isEnabledFor(level):
        told = f": {', '.join(_facts(event))}" if event and event.topic else ""
        line = "job %s: %s -> %s (epoch %d)%s"
        logger.log(level, line, job_id, old, new, epoch, told, extra={"event": event})


def _facts(event: StateChange) -> Iterator[str]:
    """Yield what is known of a job beside its states."""
    yield f"{event.topic} at {event.instance}" if event.instance else f"{event.topic}"
    if event.attempt:
        yield f"attempt {event.attempt}"
    if event.waited is not None and event.new == JobState.ACTIVE:
        yield f"waited {event.waited:.3g} s"
    if event.ran is not None:
        yield f"ran {event.ran:.3g} s"
    if event.cause:
        yield event.cause.replace("_", " ")


@receiver(instance_changed, dispatch_uid=LOG)
def log_instance(*, name: str, incarnation: str, mode: str, reason: str, **_: object) -> None:
    """Tell of an instance that changed its mode."""
    lost = mode == Mode.GONE and reason != GOODBYE
    level = logging.WARNING if lost or mode in TROUBLED_MODES else logging.INFO
    logger.log(level, "instance %s is %s: %s (incarnation %s)", name, mode, reason, incarnation)


@receiver(stale_attempt, dispatch_uid=LOG)
def log_stale_attempt(*, job_id: str, epoch: int, began: bool, **_: object) -> None:
    """Tell of a write that was refused; of what never began the worker itself tells, and why."""
    if not began:
        return
    logger.warning("job %s: attempt %d was overtaken; what it wrote is discarded", job_id, epoch)


@receiver(alarm, dispatch_uid=LOG)
def log_alarm(*, fact: str, next_step: str, **_: object) -> None:
    """Tell of what an operator should know."""
    logger.error("%s; %s", fact, next_step)
