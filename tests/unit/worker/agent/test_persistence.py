"""The agent's threads go on whatever goes wrong in one round."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connections
from django.test import override_settings

from offload.conf import lease_time, settings
from offload.core.exceptions import NameInUse
from offload.core.placement.instance_conditions import Trouble
from offload.core.placement.topology import Mode
from offload.fleet import departures
from offload.fleet.duties import Duty
from offload.fleet.leadership import Term
from offload.worker.agent.agent import Agent
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from offload.worker.liveness import boottime
from offload.worker.reports import Report
from tests.clocks import Clock
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ERRORS = [OperationalError("away"), RuntimeError("odd")]


def raising(error: Exception) -> Callable[..., Any]:
    """Return a function that raises."""

    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.fixture
def clock() -> Clock:
    """Return the clock of leader and heartbeat."""
    return Clock()


@pytest.fixture
def beating(clock: Clock) -> Heartbeat:
    """Return a heartbeat that is not started, and has no database."""
    return beat_by(lambda *_: True, clock)


def beat_by(beat: Callable[[str, str], bool], clock: Clock) -> Heartbeat:
    """Return a heartbeat that beats so, and has no connection to drop."""
    link: Any = SimpleNamespace(send=lambda value: True)
    made = Heartbeat("w@host", "i", link, {"can_kill": True}, beat=beat, clock=clock)
    made.drop_connection = lambda: None  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("error", ERRORS)
def test_a_burial_that_fails_does_not_end_leadership(
    monkeypatch: pytest.MonkeyPatch, beating: Heartbeat, clock: Clock, error: Exception
) -> None:
    buried: list[str] = []

    def declare_gone(term: Term, name: str, *_: object) -> None:
        buried.append(name)
        raise error

    monkeypatch.setattr(departures, "declare_gone", declare_gone)
    monkeypatch.setattr(connections, "close_all", lambda: None)
    leader = leading(beating, [], beats={"dead@host": ("j", 7)}, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        while not buried:
            leader._try(pool)
            clock.go_on(settings().sweep)

    assert buried == ["dead@host"]
    assert leader._term is None


def test_duties_that_hang_keep_no_other_from_being_done_again_and_again(
    beating: Heartbeat,
) -> None:
    over, begun, done = threading.Event(), list[str](), list[str]()
    others = [f"hanging {number}" for number in range(8)]

    def hanging(name: str) -> Duty:
        def hang() -> int:
            begun.append(name)
            return over.wait(60)

        return Duty(name=name, do=hang)

    def do() -> int:
        done.append("last")
        return 1

    duties = [*map(hanging, others), Duty(name="last", do=do)]
    with swept(beating, duties):
        try:
            eventually(lambda: len(done) >= 3, what="how often the last one was done")
        finally:
            over.set()

    assert sorted(begun[: len(others)]) == sorted(others)


def test_each_duty_is_done_at_its_own_pace(beating: Heartbeat) -> None:
    done: Counter[str] = Counter()
    full = iter([10, 10, 3])

    def count(name: str, found: Callable[[], int]) -> Callable[[], int]:
        def do() -> int:
            done[name] += 1
            return found()

        return do

    duties = [
        Duty(name="often", do=count("often", lambda: 10)),
        Duty(name="seldom", do=count("seldom", lambda: 9), every=3600, batch=10),
        Duty(name="full", do=count("full", lambda: next(full)), every=3600, batch=10),
        Duty(name="now and then", do=count("now and then", lambda: 0), every=0.1),
    ]
    with swept(beating, duties):
        eventually(lambda: done["now and then"] >= 3, what="how often it was done")

    assert (done["seldom"], done["full"]) == (1, 3)
    assert done["often"] > done["now and then"]


def test_a_duty_that_failed_is_named_until_it_is_done_again(beating: Heartbeat) -> None:
    errors = iter([OverflowError("too far")])
    mended = threading.Event()

    def fail_once() -> int:
        for error in errors:
            raise error
        mended.wait(60)
        return 0

    with swept(beating, [Duty(name="purge", do=fail_once, every=0.05)]):
        try:
            eventually(lambda: beating.failing, what="what fails")
            assert beating.failing == {"purge": "OverflowError: too far"}
        finally:
            mended.set()
        eventually(lambda: not beating.failing, what="nothing fails")


def leading(
    beating: Heartbeat,
    duties: Sequence[Duty],
    *,
    beats: dict[str, tuple[str, int]] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Leader:
    """Return a leader that always gets the lease and sees these heartbeats."""
    term = Term(number=1, holder="w@host", incarnation="i")
    return Leader(
        "w@host",
        beating,
        duties=duties,
        acquire=lambda *_: term,
        beats=lambda: beats or {},
        clock=clock,
    )


@contextmanager
def swept(beating: Heartbeat, duties: list[Duty]) -> Iterator[None]:
    """Have a leader do these duties during the block."""
    leader = leading(beating, duties)
    with override_settings(OFFLOAD={"SWEEP": 0.01}):
        leader.start()
        try:
            yield
        finally:
            leader.halt()
            leader.join(10)


@pytest.mark.parametrize("error", ERRORS)
def test_a_beat_that_fails_is_followed_by_others(clock: Clock, error: Exception) -> None:
    beating = beat_by(raising(error), clock)

    beating._try()

    assert not beating.is_superseded


def test_who_cannot_have_its_name_back_is_superseded(clock: Clock) -> None:
    beating = beat_by(raising(NameInUse(name="w@host", host="h", pid=1)), clock)

    beating._try()

    assert beating.is_superseded


def test_a_lease_renewed_after_its_end_is_one_that_expired(beating: Heartbeat) -> None:
    start = boottime() - 1000

    beating._extend(start)
    beating._extend(start + lease_time() - 1)
    assert not beating.resumed_at

    beating._extend(start + 2 * lease_time())
    assert beating.resumed_at > start


def test_a_worker_that_says_nothing_any_more_is_suspect(beating: Heartbeat, clock: Clock) -> None:
    report = Report(mode=Mode.READY)
    beating.hear(report)
    assert beating._trouble(report) is None

    clock.go_on(settings().timeout + 1)

    assert beating._trouble(report) is Trouble.LOOP


@pytest.mark.parametrize("error", ERRORS)
def test_an_agent_goes_on_over_what_fails_in_one_look(beating: Heartbeat, error: Exception) -> None:
    agent = Agent({"name": "w@host", "pid": 1, "concurrency": 1}, SimpleNamespace())  # type: ignore[arg-type]
    agent.heartbeat = beating

    assert agent._safely(raising(error)) is None
