"""Log lines for offload's signals, by the logger ``offload``; connected by importing this.

The usual transitions of a job are logged at DEBUG, ends and setbacks at INFO, and anything that an
operator should look at above that.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.dispatch import receiver

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.core.workflows.run_states import RunState
from offload.fleet.row_values import GOODBYE
from offload.signals import (
    LEVEL_OF_STATE,
    LOG,
    alarm,
    change_made,
    file_delivered,
    instance_changed,
    job_changed,
    logger,
    request_answered,
    run_changed,
    run_placed,
    stale_attempt,
    step_ended,
    step_waits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.signals import (
        ChangeMade,
        FileDelivered,
        RequestAnswered,
        RunChange,
        RunPlaced,
        StateChange,
        StepEnd,
        StepWaiting,
    )

#: Modes of an instance that takes no work although nobody asked it to stop.
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
    """Log a job's change of state; the log record also has the event."""
    level = LEVEL_OF_STATE.get(JobState(new), logging.DEBUG)
    if logger.isEnabledFor(level):
        facts = f": {', '.join(_facts(event))}" if event and event.topic else ""
        line = "job %s: %s -> %s (epoch %d)%s"
        logger.log(level, line, job_id, old, new, epoch, facts, extra={"event": event})


def _facts(event: StateChange) -> Iterator[str]:
    """Yield further known facts about a job."""
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
    """Log an instance's change of mode."""
    lost = mode == Mode.GONE and reason != GOODBYE
    level = logging.WARNING if lost or mode in TROUBLED_MODES else logging.INFO
    logger.log(level, "instance %s is %s: %s (incarnation %s)", name, mode, reason, incarnation)


@receiver(file_delivered, dispatch_uid=LOG)
def log_delivery(*, job_id: str, name: str, event: FileDelivered, **_: object) -> None:
    """Log a delivery of an output."""
    logger.debug("output %s of job %s is in %s", name, job_id, event.place)


@receiver(run_changed, dispatch_uid=LOG)
def log_run(*, run_id: str, workflow: str, new: str, event: RunChange, **_: object) -> None:
    """Log the beginning or the end of a run; the record has the event, too."""
    level = logging.WARNING if new == RunState.FAILED else logging.INFO
    logger.log(level, "run %s of %s: %s", run_id, workflow, new, extra={"event": event})


@receiver(run_placed, dispatch_uid=LOG)
def log_run_placed(*, run_id: str, old: str, new: str, event: RunPlaced, **_: object) -> None:
    """Log that a run was placed at an instance; anew is a warning."""
    level = logging.WARNING if old and event.reason else logging.INFO
    why = f": {event.reason}" if event.reason else ""
    where = f"at {new}" if new else "step by step"
    logger.log(level, "run %s is placed %s%s", run_id, where, why, extra={"event": event})


@receiver(step_ended, dispatch_uid=LOG)
def log_step(*, run_id: str, step: str, state: str, event: StepEnd, **_: object) -> None:
    """Log the end of a step of a run."""
    why = f": {event.note}" if event.note else ""
    logger.debug("step %s of run %s: %s%s", step, run_id, state, why, extra={"event": event})


@receiver(step_waits, dispatch_uid=LOG)
def log_wait(*, run_id: str, step: str, kind: str, event: StepWaiting, **_: object) -> None:
    """Log that a step of a run began to wait."""
    logger.info("step %s of run %s waits for its %s", step, run_id, kind, extra={"event": event})


@receiver(stale_attempt, dispatch_uid=LOG)
def log_stale_attempt(*, job_id: str, epoch: int, began: bool, **_: object) -> None:
    """Log a refused write; the worker itself logs attempts that never began."""
    if not began:
        return
    logger.warning("job %s: attempt %d was overtaken; what it wrote is discarded", job_id, epoch)


@receiver(alarm, dispatch_uid=LOG)
def log_alarm(*, fact: str, next_step: str, **_: object) -> None:
    """Log an alarm for operators."""
    logger.error("%s; %s", fact, next_step)


@receiver(change_made, dispatch_uid=LOG)
def log_change(*, event: ChangeMade, **_: object) -> None:
    """Log a change that a person made; the record has the event, too."""
    line = "%s (%s): %s"
    logger.info(line, event.actor, event.entrance, event.text, extra={"event": event})


@receiver(request_answered, dispatch_uid=LOG)
def log_request(*, state: str, event: RequestAnswered, **_: object) -> None:
    """Log the end of a request to another cluster; one that was not applied is a warning."""
    level = logging.WARNING if state in {"refused", "expired"} else logging.INFO
    line = "request to another cluster: %s"
    logger.log(level, line, event.text, extra={"event": event})
