"""Events, told after their commit: changes of state from what the statement returned."""

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
    """Return the SQL of how many seconds a job waited for its attempt."""
    return database.seconds_between("created_at", "started_at")


@once_per_dialect
def told_columns() -> str:
    """Return the columns for RETURNING that an event is made of: see ``told``."""
    ran = database.seconds_between("started_at", "finished_at")
    return f"id, state, epoch, topic, queue, instance, attempts, {waited()} AS waited, {ran} AS ran"


def told(row: Sequence[Any], old: str, cause: Cause | None = None) -> StateChange:
    """Return the change of state that a row of ``told_columns`` is about."""
    job_id, new, epoch, topic, queue, instance, attempts, seconds, ran = row
    return StateChange(
        job_id, old, new, epoch, topic, queue, instance or None, attempts, seconds, ran, cause
    )


def tell(events: Sequence[Event]) -> None:
    """Send events, one by one, once the surrounding transaction is committed."""
    if events:
        database.on_commit(partial(_send, events))


def _send(events: Sequence[Event]) -> None:
    for event in events:
        send(event)


def tell_stale(key: AttemptKey, *, began: bool = True) -> None:
    """Send the signal of an attempt that the job has moved on from."""
    send(RefusedAttempt(key.job_id, key.epoch, began))


def stale(key: AttemptKey) -> StaleAttempt:
    """Tell that an attempt's write is refused, and return the error that says so."""
    tell_stale(key)
    return StaleAttempt(job_id=key.job_id, epoch=key.epoch)
