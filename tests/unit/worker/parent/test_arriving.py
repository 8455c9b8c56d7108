"""Messages as they arrive: whatever they are, the worker lives and forgets no job for them."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.worker import strategy
from celery.worker.consumer.consumer import Consumer
from celery.worker.state import reserved_requests
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from kombu.message import Message

from offload.core.envelopes import Key, Malformed
from offload.core.placement.topology import PROTOCOL_VERSION
from offload.core.retries import Cause
from offload.worker.parent import arriving, request
from offload.worker.parent.arriving import Surviving, survive_envelopes, unknown_task_handler
from offload.worker.parent.headers import envelope_of
from offload.worker.parent.in_flight import InFlight
from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = {"v": PROTOCOL_VERSION, "id": "one", "epoch": 1, "topic": "a/b", "instance": "w@host"}
BODY = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
OURS = {"exchange": "offload", "routing_key": "offload.w@host"}


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> InFlight:
    """Return what a new worker holds: nothing."""
    made = InFlight(concurrency=2)
    for module in (arriving, request):
        monkeypatch.setattr(module, "in_flight", made)
    return made


def message(job_id: str | None = "one", epoch: Any = 1, **headers: Any) -> Any:
    """Return a message of a job; without an id it is a plain task's."""
    header = {"offload": {**HEADER, "id": job_id, "epoch": epoch}} if job_id else {}
    return made({"task": "a.task", "id": job_id, **header, **headers})


def made(headers: Any, body: Any = BODY, **also: Any) -> Message:
    """Return a message that came by our exchange, as kombu makes it."""
    facts = {"content_type": "application/json", "content_encoding": "utf-8", **also}
    there = SimpleNamespace(no_ack_consumers=None, message_to_python=None)
    given = {"delivery_info": dict(OURS), "properties": {}, **facts}
    one = Message(body=body, headers={}, channel=there, **given)
    # kombu takes only some kinds; what it does not take never becomes a message.
    one.headers, one.delivery_info = headers, given["delivery_info"]
    return one


def handler(handled: list[Any]) -> Callable[[Any], Any]:
    """Return a handler that drops, before one that collects."""
    made: Callable[[Any], Any] = arriving.receiving(lambda: handled.append)()
    return made


def test_a_second_message_of_what_is_held_or_runs_is_dropped(held: InFlight) -> None:
    handled: list[Any] = []
    handle = handler(handled)
    held.receive(("one", 1), handle)

    handle(message("one"))
    held.accept(("one", 1), 101, handle)
    handle(message("one"))

    assert handled == []


def test_other_messages_are_handled(held: InFlight) -> None:
    handled: list[Any] = []
    handle = handler(handled)
    held.accept(("one", 1), 101, handle)
    others = [message("one", 2), message("two"), message(None)]

    for one in others:
        handle(one)
    held.end(("one", 1), handle)
    handle(again := message("one"))

    assert handled == [*others, again]


def test_jobs_of_unknown_tasks_are_refused_and_plain_tasks_left_to_celery(held: InFlight) -> None:
    left: list[Any] = []
    handle = unknown_task_handler(lambda body, message, exc: left.append(message))
    plain = message(None)
    plain.delivery_info = {"exchange": "", "routing_key": "celery"}

    handle(None, message("one"), KeyError())
    handle(None, plain, KeyError())

    assert held.snapshot()["refused"] == [["one", 1, "a.task"]]
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

    handler(handled)(message("one", **wrong))

    assert (handled, held.malformed) == ([], 1)
    assert "somebody else writes there" in caplog.text
    assert "one" not in caplog.text.replace("somebody", "").replace("none", "")


def test_a_message_of_another_version_is_dropped_with_both_versions_and_the_next_step(
    held: InFlight, caplog: pytest.LogCaptureFixture
) -> None:
    later = PROTOCOL_VERSION + 1

    handler([])(message("one", offload={"v": later, "job": "of another shape"}))

    assert held.malformed == 1
    assert f"it speaks protocol {later}, and this worker {PROTOCOL_VERSION}; " in caplog.text
    assert "update offload on the older side" in caplog.text


def test_a_message_that_cannot_be_begun_is_told_as_a_failed_attempt(held: InFlight) -> None:
    def fail(message: Any) -> None:
        held.receive(("one", 1), message)
        raise RuntimeError("no place")

    arriving.receiving(lambda: fail)()(message("one"))

    assert held.snapshot()["lost"] == [["one", 1, Cause.FAILED, "RuntimeError: no place"]]
    assert not held.knows(("one", 1))


def test_what_is_wrong_with_the_connection_is_celerys_to_mend(held: InFlight) -> None:
    def fail(message: Any) -> None:
        raise ConnectionResetError

    for one in (message("one"), message(None)):
        with pytest.raises(ConnectionResetError):
            arriving.receiving(lambda: fail, passing=(OSError,))()(one)

    assert held.snapshot()["lost"] == []


# ---- anything at all, before Celery's own handler


def nothing() -> None:
    """Do nothing."""


@pytest.fixture(scope="module")
def app() -> Celery:
    """Return an app with a job's task and a plain one."""
    made = Celery("arriving", broker="memory://", set_as_current=False)
    made.task(name="a.task", base=OffloadTask, topic="a/b", shared=False)(nothing)
    made.task(name="a.plain", shared=False)(nothing)
    made.finalize()
    return made


class Worker(SimpleNamespace):
    """As much of a consumer as its handlers ask for."""


for name in (
    "on_invalid_task", "on_decode_error", "on_unknown_message", "on_unknown_task",
    "create_task_handler", "_message_report",
):  # fmt: skip
    setattr(Worker, name, vars(Consumer)[name])


def worker(app: Celery) -> Any:
    """Return a consumer that gives everything to a pool which takes all."""
    pool = SimpleNamespace(apply_async=lambda *_, **__: None)
    made: Any = Worker(
        app=app, strategies={}, hostname="w@host", connection_errors=(OSError, KeyError), pool=pool,
        event_dispatcher=None, disable_rate_limits=True, task_buckets={}, on_task_message=set(),
        timer=SimpleNamespace(call_at=None), apply_eta_task=None, _limit_task=None,
        _limit_post_eta=None, call_soon_ack=lambda act, *args: act(*args), restart_count=0,
        _restore_prefetch_count_after_connection_restart=None, _maximum_prefetch_restored=True,
        controller=SimpleNamespace(state=SimpleNamespace(revoked=set())),
        on_task_request=lambda one: one.execute_using_pool(pool),
    )  # fmt: skip
    for name in ("a.task", "a.plain"):
        made.strategies[name] = strategy.default(app.tasks[name], app, made)
    arriving.stand_before(made)
    return made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["a.task", "a.plain", "a.other"])
SPOILT = st.dictionaries(st.sampled_from([*HEADER, "silent", "limited"]), JSON).map(
    lambda one: {**HEADER, **one}
)
#: A right header, of which something is wrong.
HEADERS = JSON | st.fixed_dictionaries(
    {"task": NAMES | JSON, "id": st.just("one") | JSON},
    optional={
        "offload": st.just(HEADER) | JSON | SPOILT,
        "timelimit": JSON, "eta": JSON, "expires": JSON, "shadow": JSON, "retries": JSON,
        "stamped_headers": JSON, "stamps": JSON, "ignore_result": JSON, "argsrepr": JSON,
    },
)  # fmt: skip
BODIES = st.just(BODY) | st.binary() | st.sampled_from(
    [b"[]", b"7", b'{"args": 1}', b'"args"', b'[1, 2, 3]', b"[[],{},7]", b"\xff\xfe", b"[" * 5000]
)  # fmt: skip
TYPES = st.sampled_from(
    ["application/json", "application/x-python-serialize", "application/unknown", "", None]
)
ENCODINGS = st.sampled_from(["utf-8", "binary", "nonsense", None])


@hypothesis(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=HEADERS, body=BODIES, content_type=TYPES, content_encoding=ENCODINGS,
    delivery_info=st.just(OURS) | JSON.filter(lambda one: one != {}),
)  # fmt: skip
def test_any_message_in_the_queue_of_an_instance_is_survived(
    app: Celery, held: InFlight, headers: Any, body: bytes, delivery_info: Any, **kind: Any
) -> None:
    logging.disable(logging.CRITICAL)
    for kept in (held.held, held.lost, held.refused):
        kept.clear()
    one = made(headers, body, delivery_info=delivery_info, **kind)
    try:
        worker(app).create_task_handler()(one)
    finally:
        logging.disable(logging.NOTSET)
        reserved_requests.clear()

    assert _valid(one) is None or {*held.held, *held.lost, *held.refused} == {("one", 1)}


def _valid(one: Message) -> Key | None:
    try:
        envelope = envelope_of(one)
    except Malformed:
        return None
    return envelope.key if envelope else None


# ---- not even a message


def reading(error: BaseException, *, arrives: bool = False) -> Callable[[], Any]:
    """Return a read from Redis that raises, before or after a message arrived."""

    def read() -> None:
        arriving.arrivals.count += arrives
        raise error

    return read


@pytest.mark.parametrize("error", [ValueError("no JSON"), KeyError("body"), TypeError("number")])
def test_what_is_no_envelope_is_dropped(held: InFlight, error: Exception) -> None:
    assert Surviving(reading(error))() is True

    assert held.malformed == 1


def test_other_errors_of_a_read_stay_what_they_are(held: InFlight) -> None:
    for error, arrives in ((ConnectionError(), False), (ValueError("a task's"), True)):
        with pytest.raises(type(error)):
            Surviving(reading(error, arrives=arrives))()

    assert held.malformed == 0


@pytest.fixture
def channel() -> Any:
    """Return as much of a channel of Redis as is looked at."""
    return SimpleNamespace(handlers={"BRPOP": lambda: True})


def test_a_channel_is_made_to_survive_once(channel: Any) -> None:
    survive_envelopes(channel)
    first = channel.handlers["BRPOP"]
    survive_envelopes(channel)

    assert channel.handlers["BRPOP"] is first
    assert isinstance(first, Surviving)
    survive_envelopes(SimpleNamespace())
