"""Messages as they arrive, and handlers of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker import strategy
from celery.worker.consumer.consumer import Consumer
from hypothesis import strategies as st
from kombu.message import Message

from offload.core.placement.topology import PROTOCOL_VERSION
from offload.worker.parent.arriving import Arrivals
from offload.worker.parent.in_flight import InFlight
from offload.worker.tasks.task import OffloadTask
from tests.unit.worker.parent.requests import request_class

HEADER = {"v": PROTOCOL_VERSION, "id": "one", "epoch": 1, "topic": "a/b", "instance": "w@host"}
BODY = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
OURS = {"exchange": "offload", "routing_key": "offload.w@host"}


@pytest.fixture
def held() -> InFlight:
    """Return what a new worker holds: nothing."""
    return InFlight(concurrency=2)


def made(headers: Any, body: Any = BODY, **also: Any) -> Message:
    """Return a message that came by our exchange, as kombu makes it."""
    facts = {"content_type": "application/json", "content_encoding": "utf-8", **also}
    there = SimpleNamespace(no_ack_consumers=None, message_to_python=None)
    given = {"delivery_info": dict(OURS), "properties": {}, **facts}
    one = Message(body=body, headers={}, channel=there, **given)
    # kombu takes only some kinds; what it does not take never becomes a message.
    one.headers, one.delivery_info = headers, given["delivery_info"]
    return one


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


def worker(app: Celery, held: InFlight) -> Any:
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
    task: Any = app.tasks["a.task"]
    task.Request = request_class(held)
    for name in ("a.task", "a.plain"):
        made.strategies[name] = strategy.default(app.tasks[name], app, made)
    Arrivals(held).stand_before(made)
    return made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
