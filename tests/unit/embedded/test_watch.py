from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offload.core.exceptions import BrokerUnreachable
from offload.embedded import BrokerWatch, watch


class Server:
    """A broker that lives, answers and starts as the test says."""

    log = Path("valkey.log")

    def __init__(self) -> None:
        self.is_alive = True
        self.is_running = True
        self.starts = 0
        self.problem = ""

    def start(self) -> None:
        self.starts += 1
        if self.problem:
            raise BrokerUnreachable(url="here", problem=self.problem)
        self.is_alive = self.is_running = True


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that the watch looks at."""
    made = Clock()
    monkeypatch.setattr(watch, "time", made)
    return made


def watch_of(server: Server) -> BrokerWatch:
    given: Any = server
    return BrokerWatch(given)


def test_silence_is_told_of_once_and_so_is_its_end(clock: Clock) -> None:
    server = Server()
    watched = watch_of(server)
    server.is_running = False

    clock.now += watch.SILENCE_SECONDS / 2
    assert watched.look() == ""
    clock.now += watch.SILENCE_SECONDS
    assert "lives and has not answered for 8 s" in watched.look()
    clock.now += 1000
    assert watched.look() == ""
    assert server.starts == 0

    server.is_running = True
    assert watched.look() == "The broker answers again."
    assert watched.look() == ""


def test_a_dead_one_is_started_again_and_where_that_fails_later_once_more(clock: Clock) -> None:
    server = Server()
    watched = watch_of(server)
    server.is_alive, server.problem = False, "no space left on device"

    assert "no space left on device" in watched.look()
    assert watched.look() == ""
    assert server.starts == 1

    clock.now += watch.RESTART_PAUSE_SECONDS
    server.problem = ""
    assert "was started again" in watched.look()
    assert watched.look() == ""
