"""What an agent does when its worker ends, without a database."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from offload.fleet import leadership, membership
from offload.fleet.duties import Duty
from offload.fleet.leadership import Term
from offload.worker.agent import agent as module
from offload.worker.agent.agent import Agent
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from offload.worker.agent.window import Window
from offload.worker.link import Link
from offload.worker.parent.in_flight import InFlight
from offload.worker.reports import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "w@host"
SPEC: dict[str, Any] = {"name": NAME, "pid": os.getpid(), "concurrency": 1, "can_kill": True}


@pytest.fixture
def links() -> Iterator[tuple[Link, Link]]:
    """Return the ends of worker and agent."""
    pair = Link.pair()
    yield pair
    for end in pair:
        end.close()


@pytest.fixture
def agent(links: tuple[Link, Link], monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Return the agent of this process, which writes nothing."""
    made: Any = Agent(SPEC, links[1])
    made.heartbeat = SimpleNamespace(
        hear=lambda snapshot: None, is_superseded=False, stop=lambda: None, incarnation="i"
    )
    made.window = Window(NAME, made.heartbeat, can_kill=True)
    for name in ("look", "lose"):
        monkeypatch.setattr(Window, name, lambda *_: 0)
    return made  # type: ignore[no-any-return]


def dead() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.timeout(60)
def test_a_goodbye_is_heard_also_while_the_loss_of_a_process_is_looked_into(
    agent: Agent, links: tuple[Link, Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _ = links
    in_flight = InFlight()
    in_flight.accept(("one", 1), dead(), worker)
    worker.send(in_flight.snapshot())
    poll = agent._poll

    def then_goodbye(timeout: float) -> set[int]:
        if timeout <= module.KILL_REPORT_SECONDS and agent._snapshot.running:
            worker.send({"goodbye": True})
        return poll(timeout)

    said: list[str] = []
    monkeypatch.setattr(agent, "_poll", then_goodbye)
    monkeypatch.setattr(agent, "_depart", lambda reason, crash: said.append(reason))

    assert agent._watch() == 0

    assert said == ["goodbye"]


def test_the_worker_learns_which_lost_runs_are_dealt_with(
    agent: Agent, links: tuple[Link, Link]
) -> None:
    lost = {("one", 1): ("crashed", "signal 9"), ("two", 1): ("crashed", "signal 9")}
    agent._snapshot = Report(lost=lost, refused={("three", 2): "a.task"})
    agent.window._lost = {("one", 1), ("three", 2)}

    agent._look()

    assert links[0].receive(5) == {"settled_runs": [["one", 1], ["three", 2]]}


@pytest.mark.timeout(60)
def test_who_departs_leaves_before_a_duty_that_hangs(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, over, left = threading.Event(), threading.Event(), []

    def hang() -> int:
        hangs.set()
        return over.wait()

    monkeypatch.setattr(connections, "close_all", lambda: None)
    monkeypatch.setattr(membership, "leave", lambda *_, **__: left.append("leave"))
    monkeypatch.setattr(leadership, "resign", lambda incarnation: left.append("resign"))
    agent.leader = _leading(monkeypatch, Duty(name="hang", do=hang))
    agent.leader.start()
    assert hangs.wait(30)

    began = time.monotonic()
    agent._depart("goodbye", crash=False)
    took = time.monotonic() - began
    over.set()
    agent.leader.join(30)

    assert left == ["leave", "resign"]
    assert took < 1
    assert not agent.leader.is_alive()


def _leading(monkeypatch: pytest.MonkeyPatch, duty: Duty) -> Leader:
    heartbeat = Heartbeat(NAME, "i", SimpleNamespace(), SPEC)  # type: ignore[arg-type]
    leader = Leader(NAME, heartbeat, duties=[duty])
    leader._term = Term(number=1, holder=NAME, incarnation="i")
    monkeypatch.setattr(leader, "_seek", lambda: None)
    monkeypatch.setattr(leader, "_observe", lambda: [])
    return leader
