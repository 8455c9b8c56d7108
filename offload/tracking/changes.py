"""Telling of changes of state, after their commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from offload.db import database
from offload.signals import job_changed

if TYPE_CHECKING:
    from collections.abc import Sequence


class Change(NamedTuple):
    """One job went from one state to another."""

    job_id: str
    old: str
    new: str
    epoch: int


def tell(changes: Sequence[Change]) -> None:
    """Send one signal per change once the surrounding transaction is committed."""
    if changes and job_changed.has_listeners(None):
        database.on_commit(lambda: _send(changes))


def _send(changes: Sequence[Change]) -> None:
    for change in changes:
        job_changed.send_robust(sender=None, **change._asdict())
