"""Waking who tells the agent, from wherever a change comes."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.worker.parent.in_flight import Holdings
from offload.worker.parent.wakeup import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds in which what does not wait has returned.
SOON = 5.0


def took(bell: Bell, timeout: float) -> float:
    """Return how long a wait for the bell took."""
    began = time.monotonic()
    bell.wait(timeout)
    return time.monotonic() - began


def test_a_ring_wakes_who_waits_and_who_will_wait() -> None:
    bell = Bell()
    later = threading.Timer(0.05, bell.ring)
    later.start()

    assert took(bell, SOON) < SOON
    later.join()
    bell.silence()
    bell.ring()
    assert took(bell, SOON) < SOON


def test_rings_are_one_until_they_are_silenced() -> None:
    bell = Bell()
    for _ in range(3):
        bell.ring()

    bell.wait(0)
    assert took(bell, 0.05) >= 0.05
    bell.ring()
    bell.silence()
    assert took(bell, 0.05) >= 0.05
    bell.ring()
    assert took(bell, SOON) < SOON


@pytest.fixture
def interrupted() -> Iterator[Holdings]:
    """Return holdings of which a signal changes the mode, again and again."""
    holdings = Holdings()

    def on_signal(*_: object) -> None:
        holdings.set_mode(Mode.DRAINING)

    before = signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    yield holdings
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(60)
def test_a_signal_may_change_the_mode_while_the_main_thread_notes_another_change(
    interrupted: Holdings,
) -> None:
    over = threading.Event()

    def tell() -> None:
        while not over.is_set():
            interrupted.changed.wait(0.01)
            interrupted.changed.silence()

    teller = threading.Thread(target=tell)
    teller.start()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        interrupted.receive(("one", 1), tell)
        interrupted.end(("one", 1), tell)
    over.set()
    teller.join()

    assert interrupted.mode is Mode.DRAINING
