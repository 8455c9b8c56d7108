"""Decisions of a worker's parent process."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from offload.messaging.publisher import instance_queue
from offload.worker.link import Link
from offload.worker.parent import boot, start_refusals
from offload.worker.parent.consuming import Tick, consume_own_queue
from offload.worker.parent.in_flight import InFlight


def is_refused(pool: str) -> bool:
    """Tell whether a worker with this pool ends."""
    try:
        start_refusals.refuse_wrong_pool(pool)
    except SystemExit:
        return True
    return False


@pytest.mark.parametrize("pool", ["gevent", "<class 'celery.concurrency.eventlet.TaskPool'>"])
def test_a_worker_with_a_green_pool_ends(pool: str) -> None:
    with pytest.raises(SystemExit) as ended:
        start_refusals.refuse_wrong_pool(pool)

    assert ended.value.code == os.EX_CONFIG


@pytest.mark.parametrize(
    "pool", ["prefork", "threads", "<class 'celery.concurrency.solo.TaskPool'>"]
)
def test_a_worker_with_another_pool_goes_on(pool: str) -> None:
    assert not is_refused(pool)


def test_a_refusal_would_be_seen() -> None:
    assert is_refused("gevent")


@pytest.mark.parametrize("selected", [None, ["celery"]])
def test_its_queue_is_declared_as_publishers_declare_it(selected: list[str] | None) -> None:
    app = Celery("one", set_as_current=False)
    app.conf.task_queue_max_priority = 10
    queues: Any = app.amqp.queues
    queues.select(selected)

    consume_own_queue(app, "w@host")

    ours = instance_queue("w@host")
    assert queues.consume_from[ours.name] == ours


def test_a_tick_notes_how_large_the_pool_is_by_now() -> None:
    tick = Tick(None)
    tick.in_flight = InFlight(concurrency=8)

    tick._tick(SimpleNamespace(pool=SimpleNamespace(num_processes=3)))

    assert tick.in_flight.concurrency == 3


def test_lost_runs_that_the_agent_has_dealt_with_are_forgotten() -> None:
    in_flight = InFlight()
    worker: Any = boot.Worker(Celery("one", set_as_current=False), in_flight=in_flight)

    def receive(timeout: float) -> dict[str, Any]:
        worker._ending.set()
        return {"settled_runs": [["one", 1]]}

    worker._link = SimpleNamespace(receive=receive)
    in_flight.lose(("one", 1), "crashed", "signal 9", worker)

    worker._listen()

    assert in_flight.lost == {}


def test_the_last_word_of_an_agent_that_ends_is_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boot, "AGENT_TIMEOUT_SECONDS", 0.01)
    launch: Any = LastWord
    worker: Any = boot.Worker(Celery("one", set_as_current=False), launch=launch)
    worker._spec = {}
    worker._spawn()

    assert worker._is_settled() is False
    assert "the name is in use" in caplog.text
    worker._link.close()


class LastWord:
    """An agent that refuses after it was heard in vain, and ends."""

    def __init__(self, arguments: list[str], *, pass_fds: list[int], **_: Any) -> None:
        """Take its end of the link, as a process does that inherits it."""
        self.pid = 1
        self._link = Link.of_descriptor(os.dup(pass_fds[0]))

    def wait(self, timeout: float) -> int:
        """Say why, and end."""
        self._link.send({"refused": "the name is in use"})
        self._link.close()
        return 1


def test_a_worker_that_cannot_begin_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("no such module")

    app = Celery("one", set_as_current=False)
    monkeypatch.setattr(start_refusals, "refuse_wrong_settings", broken)

    with pytest.raises(SystemExit) as ended:
        boot.Worker(app).on_init(SimpleNamespace(app=app, pool_cls="prefork"))

    assert ended.value.code == 70
