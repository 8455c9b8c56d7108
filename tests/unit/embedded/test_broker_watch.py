from __future__ import annotations

from pathlib import Path
from typing import Any

from offload.core.exceptions import BrokerUnreachable
from offload.embedded import BrokerWatch, broker_watch
from tests.clocks import Clock


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


def watch_of(server: Server, clock: Clock) -> BrokerWatch:
    given: Any = server
    return BrokerWatch(given, clock=clock)


def test_silence_is_told_of_once_and_so_is_its_end() -> None:
    server, clock = Server(), Clock()
    watched = watch_of(server, clock)
    server.is_running = False

    clock.go_on(broker_watch.SILENCE_SECONDS / 2)
    assert watched.look() == ""
    clock.go_on(broker_watch.SILENCE_SECONDS)
    assert "lives and has not answered for 8 s" in watched.look()
    clock.go_on(1000)
    assert watched.look() == ""
    assert server.starts == 0

    server.is_running = True
    assert watched.look() == "The broker answers again."
    assert watched.look() == ""


def test_a_dead_one_is_started_again_and_where_that_fails_later_once_more() -> None:
    server, clock = Server(), Clock()
    watched = watch_of(server, clock)
    server.is_alive, server.problem = False, "no space left on device"

    assert "no space left on device" in watched.look()
    assert watched.look() == ""
    assert server.starts == 1

    clock.go_on(broker_watch.RESTART_PAUSE_SECONDS)
    server.problem = ""
    assert "was started again" in watched.look()
    assert watched.look() == ""
