"""Telling of changes of state, after their commit, and of writes that came too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from offload.core.exceptions import StaleAttempt
from offload.db import database
from offload.signals import job_changed, stale_attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey


class StateChange(NamedTuple):
    """One job went from one state to another."""

    job_id: str
    old: str
    new: str
    epoch: int


def tell(changes: Sequence[StateChange]) -> None:
    """Send one signal per change once the surrounding transaction is committed."""
    if changes and job_changed.has_listeners(None):
        database.on_commit(lambda: _send(changes))


def _send(changes: Sequence[StateChange]) -> None:
    for change in changes:
        job_changed.send_robust(sender=None, **change._asdict())


def tell_stale(key: AttemptKey, *, began: bool = True) -> None:
    """Send the signal of an attempt that the job has moved on from."""
    stale_attempt.send_robust(sender=None, job_id=key.job_id, epoch=key.epoch, began=began)


def stale(key: AttemptKey) -> StaleAttempt:
    """Tell that an attempt's write is refused, and return the error that says so."""
    tell_stale(key)
    return StaleAttempt(job_id=key.job_id, epoch=key.epoch)
