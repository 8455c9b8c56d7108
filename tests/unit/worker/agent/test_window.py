"""Rows that run here, compared with the worker's reports."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.retries import Cause
from offload.jobs import losses
from offload.worker.agent import window as module
from offload.worker.agent.window import RECONCILE_SECONDS, Window
from offload.worker.reports import Report
from tests.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.envelopes import Key

ONE: Key = ("one", 1)


class Rows:
    """Runs in the database, and what was ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand in for the database."""
        self.active: set[Key] = {ONE}
        self.clock = Clock()
        self.ended: list[tuple[Key, Cause]] = []
        monkeypatch.setattr(module, "active_on", lambda *_: set(self.active))
        monkeypatch.setattr(losses, "ended", self.end)

    def end(self, binding: Key, *, cause: Cause, detail: str) -> None:
        """Note what was ended."""
        self.ended.append((binding, cause))


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Return a database in which one job runs here."""
    return Rows(monkeypatch)


@pytest.fixture
def window(rows: Rows) -> Window:
    """Return the window of an instance."""
    heartbeat: Any = SimpleNamespace(incarnation="i", resumed_at=0.0)
    return Window("w@host", heartbeat, can_kill=True, boot_clock=rows.clock)


def compare(window: Window, rows: Rows, *at: float, held: Iterable[Key] = ()) -> None:
    """Look every few seconds, with reports that were taken at these times."""
    for taken in at:
        window._reconcile(Report(at=taken, held=frozenset(held)))
        rows.clock.go_on(RECONCILE_SECONDS + 1)


def test_a_run_that_is_missing_twice_is_lost(window: Window, rows: Rows) -> None:
    compare(window, rows, 1000, 1004)

    assert rows.ended == [(ONE, Cause.CRASHED)]


def test_an_old_snapshot_says_nothing_of_a_run_that_began_after_it(
    window: Window, rows: Rows
) -> None:
    compare(window, rows, 1000, 1000, 1000, 1000)
    assert rows.ended == []

    compare(window, rows, rows.clock.now)
    assert rows.ended == [(ONE, Cause.CRASHED)]


def test_a_worker_that_was_not_heard_yet_is_not_compared(window: Window, rows: Rows) -> None:
    compare(window, rows, 0, 0, 0)

    assert rows.ended == []


def test_what_is_known_between_is_not_missing(window: Window, rows: Rows) -> None:
    compare(window, rows, 1000)
    compare(window, rows, 1004, held=[ONE])
    compare(window, rows, 1008)

    assert rows.ended == []


@pytest.mark.parametrize("comparisons", [1, 2])
def test_what_was_lost_over_an_outage_did_not_crash(
    window: Window, rows: Rows, comparisons: int
) -> None:
    rows.active = set()
    compare(window, rows, 1000)
    rows.active = {ONE}
    compare(window, rows, *(1000 + 4 * number for number in range(1, comparisons)))

    # The heartbeat may find the database again before or after the first comparison does.
    window.heartbeat.resumed_at = rows.clock.now
    rows.clock.go_on(1)
    compare(window, rows, *(rows.clock.now + 4 * number for number in range(3 - comparisons)))

    assert rows.ended == [(ONE, Cause.LEASE_EXPIRED)]


def test_an_outage_before_it_began_does_not_excuse_a_crash(window: Window, rows: Rows) -> None:
    rows.active = set()
    window.heartbeat.resumed_at = 999
    compare(window, rows, 1000)
    rows.active = {ONE}

    compare(window, rows, 1004, 1008)

    assert rows.ended == [(ONE, Cause.CRASHED)]
