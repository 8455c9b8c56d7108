"""Queues that begin nothing, and differences between declared queues and the tables."""

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
    """Yield queues that begin nothing, and declarations that the tables do not follow."""
    yield from _suspended()
    yield from _never_open()
    yield from _declared()


def _suspended() -> Iterator[Finding]:
    for policy in snapshot().policies:
        if policy.suspended:
            note = f": {policy.note}" if policy.note else ""
            fact = f"Queue {policy.name} is suspended{note}. None of its jobs is sent."
            yield warn(
                SUBJECT, fact, f"To resume it: manage.py offload queues resume {policy.name}"
            )


def _never_open() -> Iterator[Finding]:
    for policy in snapshot().policies:
        if policy.windows is not None and not policy.windows.windows:
            fact = f"Queue {policy.name} never opens: its windows cannot be read."
            yield warn(
                SUBJECT,
                fact,
                f"To run it always: manage.py offload queues set {policy.name} --window none",
            )


def _declared() -> Iterator[Finding]:
    try:
        found = declared.difference()
    except InvalidQueue:
        # A system check reports it.
        return
    other = [row.name for row in (*found.missing, *found.changed, *found.surplus)]
    if other:
        fact = f'OFFLOAD["QUEUES"] differs from the tables for: {", ".join(sorted(other))}.'
        yield warn(SUBJECT, fact, "Run: manage.py migrate, or start a worker.")
    for row in found.clashing:
        fact = f"Queue {row.name} is declared, but was made by hand before: that one applies."
        step = f"Remove it: manage.py offload queues remove {row.name}\nThen run: manage.py migrate"
        yield warn(SUBJECT, fact, step)
    if not other and not found.clashing:
        yield ok(SUBJECT, "The queues match their declarations.")
