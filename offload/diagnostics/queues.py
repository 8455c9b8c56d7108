"""The queues that the settings declare: whether the tables say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidQueue
from offload.diagnostics.finding import Finding, ok, warn
from offload.fleet.snapshots import snapshot
from offload.queues import declared

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "queues"


def examine() -> Iterator[Finding]:
    """Yield which queues are suspended, and what is declared and is not so."""
    yield from _suspended()
    yield from _declared()


def _suspended() -> Iterator[Finding]:
    for policy in snapshot().policies:
        if policy.suspended:
            note = f": {policy.note}" if policy.note else ""
            told = f"Queue {policy.name} is suspended{note}. None of its jobs is sent."
            yield warn(SUBJECT, told, f"To go on: manage.py offload queues resume {policy.name}")


def _declared() -> Iterator[Finding]:
    try:
        found = declared.difference()
    except InvalidQueue:
        # The system checks say it.
        return
    other = [row.name for row in (*found.missing, *found.changed, *found.surplus)]
    if other:
        told = f'OFFLOAD["QUEUES"] differs from the tables for: {", ".join(sorted(other))}.'
        yield warn(SUBJECT, told, "Run: manage.py migrate, or start a worker.")
    for row in found.clashing:
        told = f"Queue {row.name} is declared, but was made by hand before: that one applies."
        step = f"Remove it: manage.py offload queues remove {row.name}\nThen run: manage.py migrate"
        yield warn(SUBJECT, told, step)
    if not other and not found.clashing:
        yield ok(SUBJECT, "The queues match their declarations.")
