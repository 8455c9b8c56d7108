"""The doctor: findings about settings, database, broker, results, storage, fleet, traps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics import (
    broker,
    database,
    fleet,
    jobs,
    launchers,
    lint,
    messages,
    modules,
    peers,
    queues,
    results,
    rows,
    runs,
    settings,
    storage,
    traps,
)
from offload.diagnostics.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "Level", "broker", "examine", "lint", "modules", "outage"]


def examine() -> Iterator[Finding]:
    """Yield findings as they are made; skip examinations that need something that is broken."""
    found = list(settings.examine())
    yield from found
    if any(one.subject == settings.UNREADABLE_SUBJECT for one in found):
        return
    found = list(database.examine())
    yield from found
    is_usable = all(one.level is not Level.FAIL for one in found)
    yield from broker.examine()
    yield from results.examine()
    yield from storage.examine()
    yield from storage.examine_scratch()
    if is_usable:
        yield from fleet.examine()
        yield from jobs.examine()
        yield from launchers.examine()
        yield from lint.examine()
        yield from messages.examine()
        yield from peers.examine()
        yield from queues.examine()
        yield from rows.examine()
        yield from rows.examine_sizes()
        yield from runs.examine()
        yield from storage.examine_deletions()
        yield from storage.examine_deliveries()
        yield from storage.examine_transfers()
    yield from modules.examine()
    yield from traps.examine()
