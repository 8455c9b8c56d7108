"""The worker's contract with Celery: names, and arguments of calls."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from billiard import common, pool
from celery.app.amqp import Queues
from celery.app.control import Control
from celery.app.task import Task
from celery.app.trace import build_tracer
from celery.bin import control as control_program
from celery.concurrency import base, prefork, solo, thread
from celery.worker import loops
from celery.worker import request as requests
from celery.worker.consumer.consumer import Consumer
from celery.worker.request import Request
from celery.worker.state import task_ready

from offload.worker.parent.control import JobControl
from offload.worker.parent.request import JobRequest
from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Callable

#: celery-types does not know it.
create_request_cls: Any = vars(requests)["create_request_cls"]


def parameters(function: Callable[..., object]) -> list[str]:
    """Return the names of a function's parameters."""
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", ["on_accepted", "on_timeout", "on_failure", "cancel", "revoked"])
def test_requests_have_the_methods_we_override(name: str) -> None:
    assert parameters(getattr(JobRequest, name)) == parameters(getattr(Request, name))


def test_a_time_limit_is_told_by_these_keywords() -> None:
    source = inspect.getsource(pool.ApplyResult.handle_timeout)

    assert "soft=soft" in source
    assert "timeout=self._soft_timeout if soft" in source


def test_a_worker_subclasses_the_request_over_on_success_alone() -> None:
    there = SimpleNamespace(apply_async=None)
    made = create_request_cls(JobRequest, OffloadTask, there, "host", None)

    named = {name for name in vars(made) if not name.startswith("__")}
    assert named == {"execute_using_pool", "on_success"}


def test_ends_are_reported_by_the_attribute_on_success() -> None:
    assert "callback=self.on_success" in inspect.getsource(create_request_cls)
    assert "callback=self.on_success" in inspect.getsource(Request.execute_using_pool)


def test_the_pool_calls_what_we_override() -> None:
    source = inspect.getsource(create_request_cls) + inspect.getsource(Request.execute_using_pool)

    for name in ("on_accepted", "on_timeout", "on_failure"):
        assert f"self.{name}" in source


def test_requests_have_the_names_we_use() -> None:
    assert {"acknowledge", "request_dict"} <= set(vars(Request))
    assert "not self.acknowledged" in inspect.getsource(Request.acknowledge)
    assert {"time_start", "worker_pid"} <= set(vars(Request)["__slots__"]) | set(vars(Request))
    assert parameters(task_ready)[0] == "request"


def test_a_lost_connection_flushes_the_pool_by_its_attribute() -> None:
    assert "self.pool.flush()" in inspect.getsource(Consumer.on_close)
    assert parameters(base.BasePool.flush) == ["self"]
    assert "self.flush = " in inspect.getsource(prefork.TaskPool.on_start)
    assert hasattr(pool.ApplyResult, "_write_to")


def test_unknown_tasks_pass_by_the_consumer_with_message_and_error() -> None:
    assert parameters(Consumer.on_unknown_task)[:4] == ["self", "body", "message", "exc"]
    assert "self.on_unknown_task" in inspect.getsource(Consumer.create_task_handler)


def test_control_ends_tasks_by_what_it_broadcasts() -> None:
    assert parameters(Control.broadcast)[:3] == parameters(JobControl.broadcast)[:3]
    assert "self.broadcast('revoke'" in inspect.getsource(Control.revoke)
    assert "self.revoke(" in inspect.getsource(Control.terminate)
    assert "app.control.broadcast(" in inspect.getsource(control_program)


def test_messages_pass_by_a_handler_that_the_loops_ask_the_consumer_for() -> None:
    assert parameters(Consumer.create_task_handler)[0] == "self"
    for loop in (loops.asynloop, loops.synloop):
        assert "obj.create_task_handler()" in inspect.getsource(loop)


def test_tasks_are_run_by_their_call_where_they_have_one() -> None:
    assert "task_has_custom(task, '__call__')" in inspect.getsource(build_tracer)
    assert parameters(Task.on_replace) == parameters(OffloadTask.on_replace)


def test_a_queue_can_be_added_to_those_consumed() -> None:
    assert parameters(Queues.select_add)[:2] == ["self", "queue"]


@pytest.mark.parametrize("kind", [base.BasePool, prefork.TaskPool, solo.TaskPool, thread.TaskPool])
def test_pools_say_how_large_they_are(kind: type) -> None:
    assert isinstance(inspect.getattr_static(kind, "num_processes"), property)


def test_a_process_that_was_told_to_end_knows_it() -> None:
    assert common.terminate_handler_fired() is False  # type: ignore[attr-defined]
