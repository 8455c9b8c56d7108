"""What a worker's parent decides for itself."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from offload.messaging.publisher import instance_queue
from offload.worker.link import Link
from offload.worker.parent import boot, refusals
from offload.worker.parent.consuming import Tick
from offload.worker.parent.in_flight import in_flight
from offload.worker.parent.refusals import EX_CONFIG
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    concurrency = in_flight.concurrency
    yield
    in_flight.concurrency = concurrency


def is_refused(pool: str) -> bool:
    """Tell whether a worker with this pool ends."""
    try:
        refusals.refuse_wrong_pool(pool)
    except SystemExit:
        return True
    return False


@pytest.mark.parametrize("pool", ["gevent", "<class 'celery.concurrency.eventlet.TaskPool'>"])
def test_a_worker_with_a_green_pool_ends(pool: str) -> None:
    with pytest.raises(SystemExit) as ended:
        refusals.refuse_wrong_pool(pool)

    assert ended.value.code == EX_CONFIG


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

    boot._consume_own_queue(app, "w@host")

    ours = instance_queue("w@host")
    assert queues.consume_from[ours.name] == ours


def test_a_tick_notes_how_large_the_pool_is_by_now() -> None:
    in_flight.concurrency = 8

    Tick._tick(None, SimpleNamespace(pool=SimpleNamespace(num_processes=3)))  # type: ignore[arg-type]

    assert in_flight.concurrency == 3


def test_lost_runs_that_the_agent_has_dealt_with_are_forgotten() -> None:
    worker: Any = boot.Worker(Celery("one", set_as_current=False))

    def receive(timeout: float) -> dict[str, Any]:
        worker._ending.set()
        return {"settled_runs": [["one", 1]]}

    worker._link = SimpleNamespace(receive=receive)
    in_flight.lose(("one", 1), "crashed", "signal 9", worker)

    worker._listen()

    assert in_flight.lost == {}


@pytest.mark.parametrize(("says", "settled"), [('{"settled": "i"}', True), ("", False)])
def test_an_agent_is_waited_for_as_long_as_it_lives(
    says: str, settled: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boot, "AGENT_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(boot, "EXIT_SECONDS", 0.05)
    worker: Any = boot.Worker(Celery("one", set_as_current=False))
    worker._link, theirs = Link.pair()
    # It begins once it is told to: whoever waits has said a word by then.
    slow = f"read _; printf '%s' 'w{says}' >&{theirs.fileno()}" if says else "read _; exit 1"
    worker._agent = subprocess.Popen(
        ["bash", "-c", slow], pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, text=True
    )
    theirs.close()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(worker._is_settled)
        eventually(lambda: "is waited for" in caplog.text, what="a warning")
        worker._agent.communicate("now\n")
        assert answer.result(30) is settled
    worker._link.close()


def test_the_last_word_of_an_agent_that_ends_is_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boot, "AGENT_TIMEOUT_SECONDS", 0.01)
    worker: Any = boot.Worker(Celery("one", set_as_current=False))
    worker._link, theirs = Link.pair()

    def ends() -> bool:
        theirs.send({"refused": "the name is in use"})
        return False

    monkeypatch.setattr(worker, "_agent_lives", ends)

    assert worker._is_settled() is False
    assert "the name is in use" in caplog.text
    worker._link.close()
    theirs.close()


def test_a_worker_that_cannot_begin_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("no such module")

    app = Celery("one", set_as_current=False)
    monkeypatch.setattr(refusals, "refuse_wrong_settings", broken)

    with pytest.raises(SystemExit) as ended:
        boot.Worker(app).on_init(SimpleNamespace(app=app, pool_cls="prefork"))

    assert ended.value.code == 70
