"""The agent's threads go on whatever goes wrong in one round."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connections
from django.test import override_settings

from offload.conf import settings
from offload.core.exceptions import NameInUse
from offload.core.placement.topology import Mode
from offload.fleet.leadership import Term
from offload.leader import duties
from offload.worker.agent.agent import Agent
from offload.worker.agent.heartbeat import Heartbeat, lease_time
from offload.worker.agent.leading import Leader
from offload.worker.agent.window import Window
from offload.worker.liveness import boottime
from offload.worker.reports import Report
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS = [OperationalError("away"), RuntimeError("odd")]


def raising(error: Exception) -> Callable[..., Any]:
    """Return what raises."""

    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Heartbeat:
    """Return a heartbeat that is not started, and has no database."""
    made = Heartbeat("w@host", "i", SimpleNamespace(), {"can_kill": True})  # type: ignore[arg-type]
    monkeypatch.setattr(made, "drop_connection", lambda: None)
    return made


@pytest.mark.parametrize("error", ERRORS)
def test_a_burial_that_fails_does_not_end_leadership(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat, error: Exception
) -> None:
    leader = Leader("w@host", beating)
    leader._term = Term(number=1, holder="w@host", incarnation="i")
    monkeypatch.setattr(leader, "_seek", lambda: None)
    monkeypatch.setattr(leader, "_observe", lambda: [("dead@host", "j", 7)])
    monkeypatch.setattr(duties, "bury", raising(error))
    monkeypatch.setattr(connections, "close_all", lambda: None)

    with ThreadPoolExecutor(1) as pool:
        leader._try(pool)

    assert leader._term is None


def test_duties_that_hang_keep_no_other_from_being_done_again_and_again(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat
) -> None:
    term = Term(number=1, holder="w@host", incarnation="i")
    over, begun, done = threading.Event(), list[str](), list[str]()
    *others, last = duties.DUTIES

    def hanging(name: str) -> duties.Duty:
        def hang(_: Term) -> None:
            begun.append(name)
            over.wait(60)

        return hang

    doing = {**{name: hanging(name) for name in others}, last: lambda _: done.append(last)}
    monkeypatch.setattr(duties, "DUTIES", doing)
    monkeypatch.setattr(Leader, "_seek", lambda leader: setattr(leader, "_term", term))
    monkeypatch.setattr(Leader, "_observe", lambda _: [])
    leader = Leader("w@host", beating)
    with override_settings(OFFLOAD={"SWEEP": 0.01}):
        leader.start()
        try:
            eventually(lambda: len(done) >= 3, within=10, what="how often the last one was done")
        finally:
            over.set()
            leader.halt()
            leader.join(10)

    assert sorted(begun[: len(others)]) == sorted(others)


@pytest.mark.parametrize("error", ERRORS)
def test_a_beat_that_fails_is_followed_by_others(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat, error: Exception
) -> None:
    monkeypatch.setattr(beating, "_beat", raising(error))

    beating._try()

    assert not beating.is_superseded


def test_who_cannot_have_its_name_back_is_superseded(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat
) -> None:
    monkeypatch.setattr(beating, "_beat", raising(NameInUse(name="w@host", host="h", pid=1)))

    beating._try()

    assert beating.is_superseded


def test_a_lease_renewed_after_its_end_is_one_that_expired(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat
) -> None:
    monkeypatch.setattr(beating, "_link", SimpleNamespace(send=lambda value: True))
    start = boottime() - 1000

    beating._extend(start)
    beating._extend(start + lease_time() - 1)
    assert not beating.resumed_at

    beating._extend(start + 2 * lease_time())
    assert beating.resumed_at > start


def test_a_worker_that_says_nothing_any_more_is_suspect(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat
) -> None:
    snapshot = Report(mode=Mode.READY)
    beating.hear(snapshot)
    assert beating._mode(snapshot) is Mode.READY

    monkeypatch.setattr(beating, "_heard_at", beating._heard_at - settings().timeout - 1)

    assert beating._mode(snapshot) is Mode.SUSPECT


@pytest.mark.parametrize("error", ERRORS)
def test_an_agent_goes_on_over_what_fails_in_one_look(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat, error: Exception
) -> None:
    agent = Agent({"name": "w@host", "pid": 1, "concurrency": 1}, SimpleNamespace())  # type: ignore[arg-type]
    agent.heartbeat = beating

    assert agent._safely(raising(error)) is None


def test_a_window_remembers_ended_runs_only_while_they_are_told(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat
) -> None:
    window = Window("w@host", beating, can_kill=True, _lost={("a", 1), ("b", 1)})
    for name in ("_apply", "_refuse", "_reconcile"):
        monkeypatch.setattr(Window, name, lambda *_: None)

    window.look(Report(lost={("a", 1): ("crashed", "signal 9")}))

    assert window._lost == {("a", 1)}
