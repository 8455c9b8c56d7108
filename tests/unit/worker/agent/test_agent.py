"""An agent at the end of its worker, without a database."""

from __future__ import annotations

import os
import select
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from offload.fleet import leadership, membership
from offload.fleet.duties import Duty
from offload.fleet.leadership import Term
from offload.worker.agent import agent as module
from offload.worker.agent import leading
from offload.worker.agent.agent import Agent
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from offload.worker.agent.window import Window
from offload.worker.link import Link
from offload.worker.parent.in_flight import InFlight
from offload.worker.reports import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "w@host"
#: An id that Linux gives to no process.
DEAD = 2**22 + 1
SPEC: dict[str, Any] = {"name": NAME, "pid": os.getpid(), "concurrency": 1, "can_kill": True}


@pytest.fixture
def links() -> Iterator[tuple[Link, Link]]:
    """Return the ends of worker and agent."""
    pair = Link.pair()
    yield pair
    for end in pair:
        end.close()


@pytest.fixture
def polls() -> Polls:
    """Return the agent's poll."""
    return Polls()


@pytest.fixture
def agent(links: tuple[Link, Link], polls: Polls, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Return the agent of this process, which writes nothing."""
    made: Any = Agent(SPEC, links[1], poll=polls)
    made.heartbeat = SimpleNamespace(
        hear=lambda report: None, is_superseded=False, stop=lambda: None, incarnation="i"
    )
    made.leader = SimpleNamespace(halt=lambda: None, resign=lambda: None)
    made.window = Window(NAME, made.heartbeat, can_kill=True)
    for name in ("look", "lose"):
        monkeypatch.setattr(Window, name, lambda *_: 0)
    return made  # type: ignore[no-any-return]


class Polls:
    """Makes what descriptors are polled by; before some polls something happens."""

    def __init__(self) -> None:
        self.before: Callable[[float], None] = lambda milliseconds: None

    def __call__(self) -> Any:
        """Return a poll of the system, with that before it."""
        made = select.poll()
        return SimpleNamespace(register=made.register, poll=partial(self._poll, made))

    def _poll(self, made: Any, milliseconds: float) -> Any:
        self.before(milliseconds)
        return made.poll(milliseconds)


@pytest.mark.timeout(60)
def test_a_goodbye_is_heard_also_while_the_loss_of_a_process_is_looked_into(
    agent: Agent, links: tuple[Link, Link], polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _ = links
    in_flight = InFlight()
    in_flight.accept(("one", 1), DEAD, worker)
    worker.send(in_flight.report())

    def goodbye(milliseconds: float) -> None:
        if milliseconds <= module.KILL_REPORT_SECONDS * 1000 and agent._report.running:
            worker.send({"goodbye": True})

    said: list[str] = []
    polls.before = goodbye
    monkeypatch.setattr(membership, "leave", lambda *_, reason, **__: said.append(reason))

    assert agent._watch() == 0

    assert said == ["goodbye"]


def test_the_worker_learns_which_lost_runs_are_dealt_with(
    agent: Agent, links: tuple[Link, Link]
) -> None:
    lost = {("one", 1): ("crashed", "signal 9"), ("two", 1): ("crashed", "signal 9")}
    agent._report = Report(lost=lost, refused={("three", 2): "a.task"})
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
    monkeypatch.setattr(leading, "LAST_DUTIES_SECONDS", 0.1)
    agent.leader = _leading(Duty(name="hang", do=hang))
    agent.leader.start()
    assert hangs.wait(30)

    began = time.monotonic()
    agent._leave("goodbye", crash=False)
    took = time.monotonic() - began
    over.set()
    agent.leader.join(30)

    assert left == ["leave", "resign"]
    assert took < 10
    assert not agent.leader.is_alive()


def test_what_a_duty_tells_after_its_commit_is_told_before_the_agent_ends(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed, resigned = threading.Event(), threading.Event()
    done: list[str] = []

    def conclude() -> int:
        committed.set()
        assert resigned.wait(30)
        done.append("told")
        return 0

    def resign(_: str) -> None:
        done.append("resigned")
        resigned.set()

    monkeypatch.setattr(leading, "LAST_DUTIES_SECONDS", 30.0)
    monkeypatch.setattr(connections, "close_all", lambda: None)
    monkeypatch.setattr(membership, "leave", lambda *_, **__: None)
    monkeypatch.setattr(leadership, "resign", resign)
    agent.leader = _leading(Duty(name="conclude", do=conclude, every=60.0))
    agent.leader.start()
    assert committed.wait(30)

    agent._leave("goodbye", crash=False)

    assert done == ["resigned", "told"]


def _leading(duty: Duty) -> Leader:
    heartbeat = Heartbeat(NAME, "i", SimpleNamespace(), SPEC)  # type: ignore[arg-type]
    term = Term(number=1, holder=NAME, incarnation="i")
    return Leader(NAME, heartbeat, duties=[duty], acquire=lambda *_: term, beats=dict)
