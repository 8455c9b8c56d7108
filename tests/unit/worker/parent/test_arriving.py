"""Messages as they arrive: whatever they are, the worker lives and forgets no job for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.placement.topology import PROTOCOL_VERSION
from offload.core.retries import Cause
from offload.worker.parent.arriving import Arrivals, Surviving
from tests.unit.worker.parent.messages import HEADER, made

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.parent.in_flight import InFlight


def message(job_id: str | None = "one", epoch: Any = 1, **headers: Any) -> Any:
    """Return a message of a job; without an id it is a plain task's."""
    header = {"offload": {**HEADER, "id": job_id, "epoch": epoch}} if job_id else {}
    return made({"task": "a.task", "id": job_id, **header, **headers})


def handler(held: InFlight, handled: list[Any]) -> Callable[[Any], Any]:
    """Return a handler that drops, before one that collects."""
    made: Callable[[Any], Any] = Arrivals(held).receiving(lambda: handled.append)()
    return made


def test_a_second_message_of_what_is_held_or_runs_is_dropped(held: InFlight) -> None:
    handled: list[Any] = []
    handle = handler(held, handled)
    held.receive(("one", 1), handle)

    handle(message("one"))
    held.accept(("one", 1), 101, handle)
    handle(message("one"))

    assert handled == []


def test_other_messages_are_handled(held: InFlight) -> None:
    handled: list[Any] = []
    handle = handler(held, handled)
    held.accept(("one", 1), 101, handle)
    others = [message("one", 2), message("two"), message(None)]

    for one in others:
        handle(one)
    held.end(("one", 1), handle)
    handle(again := message("one"))

    assert handled == [*others, again]


def test_jobs_of_unknown_tasks_are_refused_and_plain_tasks_left_to_celery(held: InFlight) -> None:
    left: list[Any] = []
    handle = Arrivals(held).unknown_task_handler(lambda body, message, exc: left.append(message))
    plain = message(None)
    plain.delivery_info = {"exchange": "", "routing_key": "celery"}

    handle(None, message("one"), KeyError())
    handle(None, plain, KeyError())

    assert held.report()["refused"] == [["one", 1, "a.task"]]
    assert left == [plain]


@pytest.mark.parametrize(
    "wrong",
    [
        {"offload": "text"}, {"offload": [1]}, {"offload": 7}, {"offload": {}},
        {"offload": {**HEADER, "id": {}}}, {"offload": {**HEADER, "id": "a\0b"}},
        {"offload": {**HEADER, "id": "x" * 300}}, {"offload": {**HEADER, "epoch": True}},
        {"offload": {**HEADER, "epoch": 2**40}}, {"offload": {**HEADER, "v": 99}},
        {"offload": {**HEADER, "topic": []}}, {"offload": {**HEADER, "limited": "yes"}},
        {"id": "another"}, {"id": {}}, {"task": {}}, {"eta": "2099-01-01"}, {"expires": 3},
        {"timelimit": "ab"}, {"timelimit": ["1", None]}, {"timelimit": [float("nan"), None]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_message_of_a_job_is_counted_and_dropped(
    held: InFlight, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[Any] = []

    handler(held, handled)(message("one", **wrong))

    assert (handled, held.malformed) == ([], 1)
    assert "somebody else writes there" in caplog.text
    assert "one" not in caplog.text.replace("somebody", "").replace("none", "")


def test_a_message_of_another_version_is_dropped_with_both_versions_and_the_next_step(
    held: InFlight, caplog: pytest.LogCaptureFixture
) -> None:
    later = PROTOCOL_VERSION + 1

    handler(held, [])(message("one", offload={"v": later, "job": "of another shape"}))

    assert held.malformed == 1
    assert f"it speaks protocol {later}, and this worker {PROTOCOL_VERSION}; " in caplog.text
    assert "update offload on the older side" in caplog.text


def test_a_message_that_cannot_be_begun_is_told_as_a_failed_attempt(held: InFlight) -> None:
    def fail(message: Any) -> None:
        held.receive(("one", 1), message)
        raise RuntimeError("no place")

    Arrivals(held).receiving(lambda: fail)()(message("one"))

    assert held.report()["lost"] == [["one", 1, Cause.FAILED, "RuntimeError: no place"]]
    assert not held.knows(("one", 1))


def test_what_is_wrong_with_the_connection_is_celerys_to_mend(held: InFlight) -> None:
    def fail(message: Any) -> None:
        raise ConnectionResetError

    for one in (message("one"), message(None)):
        with pytest.raises(ConnectionResetError):
            Arrivals(held).receiving(lambda: fail, passing=(OSError,))()(one)

    assert held.report()["lost"] == []


def reading(error: BaseException, arrivals: Arrivals, *, arrives: bool = False) -> Surviving:
    """Return a read from Redis that raises, before or after a message arrived."""

    def read() -> None:
        arrivals.count += arrives
        raise error

    return Surviving(read, arrivals)


@pytest.mark.parametrize("error", [ValueError("no JSON"), KeyError("body"), TypeError("number")])
def test_what_is_no_envelope_is_dropped(held: InFlight, error: Exception) -> None:
    assert reading(error, Arrivals(held))() is True

    assert held.malformed == 1


def test_other_errors_of_a_read_stay_what_they_are(held: InFlight) -> None:
    for error, arrives in ((ConnectionError(), False), (ValueError("a task's"), True)):
        with pytest.raises(type(error)):
            reading(error, Arrivals(held), arrives=arrives)()

    assert held.malformed == 0


@pytest.fixture
def channel() -> Any:
    """Return as much of a channel of Redis as is looked at."""
    return SimpleNamespace(handlers={"BRPOP": lambda: True})


def test_a_channel_is_made_to_survive_once(held: InFlight, channel: Any) -> None:
    arrivals = Arrivals(held)
    arrivals.survive_envelopes(channel)
    first = channel.handlers["BRPOP"]
    arrivals.survive_envelopes(channel)

    assert channel.handlers["BRPOP"] is first
    assert isinstance(first, Surviving)
    arrivals.survive_envelopes(SimpleNamespace())
