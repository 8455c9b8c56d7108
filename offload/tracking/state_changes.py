"""Events of changes of state, made from the statements' rows and sent after the commit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import StaleAttempt
from offload.db import database
from offload.db.statements import once_per_dialect
from offload.signals import RefusedAttempt, StateChange, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.retries import Cause
    from offload.signals import Event


@once_per_dialect
def waited() -> str:
    """Return the SQL of the seconds that a job waited for its attempt."""
    return database.seconds_between("created_at", "started_at")


@once_per_dialect
def change_columns() -> str:
    """Return the columns for RETURNING from which ``state_change`` makes an event."""
    ran = database.seconds_between("started_at", "finished_at")
    return f"id, state, epoch, topic, queue, instance, attempts, {waited()} AS waited, {ran} AS ran"


def state_change(
    row: Sequence[Any], old: str, cause: Cause | None = None, error_type: object = None
) -> StateChange:
    """Return the change of state in a row of ``change_columns``."""
    job_id, new, epoch, topic, queue, instance, attempts, seconds, ran = row
    return StateChange(
        job_id, str(old), new, epoch, topic, queue, instance or None, attempts, seconds, ran, cause,
        str(error_type) if error_type else None,
    )  # fmt: skip


def send_on_commit(events: Sequence[Event]) -> None:
    """Send events, one by one, after the surrounding transaction commits."""
    if events:
        database.on_commit(partial(_send, events))


def _send(events: Sequence[Event]) -> None:
    for event in events:
        send(event)


def send_stale(key: AttemptKey, *, began: bool = True) -> None:
    """Send the signal about a stale attempt."""
    send(RefusedAttempt(key.job_id, key.epoch, began))


def stale_attempt(key: AttemptKey) -> StaleAttempt:
    """Send the signal that an attempt's write is refused; return the error."""
    send_stale(key)
    return StaleAttempt(job_id=key.job_id, epoch=key.epoch)
