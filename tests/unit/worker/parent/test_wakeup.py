"""Waking the thread that reports to the agent, from any thread or handler."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.worker.parent.in_flight import InFlight
from offload.worker.parent.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds in which what does not wait has returned.
SOON = 5.0


def took(wakeup: Wakeup, timeout: float) -> float:
    """Return how long a wait took."""
    began = time.monotonic()
    wakeup.wait(timeout)
    return time.monotonic() - began


def test_setting_it_wakes_who_waits_and_who_will_wait() -> None:
    wakeup = Wakeup()
    later = threading.Timer(0.05, wakeup.set)
    later.start()

    assert took(wakeup, SOON) < SOON
    later.join()
    wakeup.clear()
    wakeup.set()
    assert took(wakeup, SOON) < SOON


def test_it_is_set_once_until_it_is_cleared() -> None:
    wakeup = Wakeup()
    for _ in range(3):
        wakeup.set()

    wakeup.wait(0)
    assert took(wakeup, 0.05) >= 0.05
    wakeup.set()
    wakeup.clear()
    assert took(wakeup, 0.05) >= 0.05
    wakeup.set()
    assert took(wakeup, SOON) < SOON


@pytest.fixture
def interrupted() -> Iterator[InFlight]:
    """Return the state of a worker of which a signal changes the mode, again and again."""
    in_flight = InFlight()

    def on_signal(*_: object) -> None:
        in_flight.set_mode(Mode.DRAINING)

    before = signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    yield in_flight
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(60)
def test_a_signal_may_change_the_mode_while_the_main_thread_notes_another_change(
    interrupted: InFlight,
) -> None:
    over = threading.Event()

    def tell() -> None:
        while not over.is_set():
            interrupted.changed.wait(0.01)
            interrupted.changed.clear()

    teller = threading.Thread(target=tell)
    teller.start()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        interrupted.receive(("one", 1), tell)
        interrupted.end(("one", 1), tell)
    over.set()
    teller.join()

    assert interrupted.mode is Mode.DRAINING
