"""The contract with this version of Celery: names, and arguments of calls."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, canvas, chain, chord, group
from celery.app.task import Task
from celery.backends.base import Backend, BaseKeyValueStoreBackend
from celery.result import AsyncResult, GroupResult
from celery.utils.functional import _regen  # type: ignore[attr-defined]

from offload.canvas import batches, hooks
from offload.canvas.freezing import recognition
from offload.canvas.freezing.signatures import JOIN_OPTION, join_of
from offload.canvas.sender import ACCUMULATE_TASK, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.driving.tasks import Named


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def test_send_task_begins_with_what_we_take_by_place() -> None:
    ours = parameters(Sender.__call__)

    assert parameters(Celery.send_task)[: len(ours) - 1] == ours[:-1]


@pytest.mark.parametrize(
    "method",
    ["on_task_call", "add_to_chord", "on_chord_part_return", "set_chord_size", "apply_chord"],
)
def test_backends_have_the_methods_we_wrap(method: str) -> None:
    assert {
        "on_task_call": ["self", "producer", "task_id"],
        "add_to_chord": ["self", "chord_id", "result"],
        "on_chord_part_return": ["self", "request", "state", "result", "kwargs"],
        "set_chord_size": ["self", "group_id", "chord_size"],
        "apply_chord": ["self", "header_result_args", "body", "kwargs"],
    }[method] == parameters(getattr(Backend, method))


def test_key_value_backends_choose_apply_chord_when_they_are_made() -> None:
    assert "self.apply_chord = self._apply_chord_incr" in inspect.getsource(
        BaseKeyValueStoreBackend.__init__
    )


def test_backends_say_how_many_arguments_an_errback_takes(app: Celery, job: Named) -> None:
    backend: Any = app.backend

    assert not backend._errback_arity_greater(job.heard.s(), 1)
    assert backend._errback_arity_greater(job.told.s(), 1)


def test_the_app_makes_its_backends_by_the_method_we_replace(app: Celery) -> None:
    assert "self._get_backend()" in inspect.getsource(Celery.backend.fget)  # type: ignore[attr-defined]
    assert "_get_backend" in vars(app)


def test_installing_twice_is_harmless(app: Celery) -> None:
    before = app.send_task

    hooks.install(app)

    assert app.send_task is before
    assert not isinstance(before.stock, Sender)  # type: ignore[attr-defined]


def test_tasks_know_their_options(job: Named) -> None:
    assert "_get_exec_options" in vars(Task)
    assert set(job.add._get_exec_options()) >= {"time_limit", "soft_time_limit", "priority"}


def test_every_chord_passes_the_method_we_wrap() -> None:
    assert canvas.chord is canvas._chord is chord  # type: ignore[attr-defined]
    stock = chord.run.__wrapped__  # type: ignore[attr-defined]
    assert parameters(stock)[:5] == ["self", "header", "body", "partial_args", "app"]
    assert "self.run(" in inspect.getsource(chord.apply_async)


def test_the_names_of_celerys_own_tasks_are_known(app: Celery) -> None:
    assert {*recognition.MAP_TASKS, ACCUMULATE_TASK} <= set(app.tasks)


def test_a_chord_is_applied_before_its_header_is_sent(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark put on the body then is in the copy that every member carries."""
    seen: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda *args, **options: seen.append(options))
    made: list[Any] = []

    def apply_chord(header_result_args: Any, body: Any, **options: Any) -> None:
        made.append(header_result_args)
        body.options[JOIN_OPTION] = "mark"

    monkeypatch.setattr(app.backend, "apply_chord", apply_chord)
    inner = chord([job.add.s(1)], job.total.s())
    header = [
        job.add.s(1),
        chain(job.add.s(1), job.add.s(2)),
        chain(job.add.s(1), group(job.add.s(2))),
    ]

    chord([*header, inner], job.total.s()).apply_async()

    outer = made[0]
    assert isinstance(outer[0], str)
    assert all(isinstance(one, AsyncResult | GroupResult) for one in outer[1])
    single, first, before_group, inner_member = seen
    assert join_of(single["chord"]) == "mark"
    assert join_of(first["chain"][0].options["chord"]) == "mark"
    assert join_of(before_group["chain"][0].options["chord"]) == "mark"
    assert join_of(inner_member["chord"]) == "mark"
    assert join_of(inner_member["chord"]["options"]["chord"]) == "mark"


def test_a_replacement_carries_the_id_of_what_it_replaces(app: Celery, plain: Named) -> None:
    seen: list[Any] = []
    task = plain.swap
    task.push_request(id="mine", called_directly=False)
    try:
        task.on_replace = seen.append
        task.replace(plain.add.s(1) | group(plain.add.s(1), plain.add.s(2)))
    finally:
        del task.on_replace
        task.pop_request()

    assert seen[0].tasks[-1].body.id == "mine"
    assert seen[0].tasks[-1].body.task == ACCUMULATE_TASK


def test_nothing_is_gathered_outside_of_our_transactions() -> None:
    assert batches.current() is None


def test_a_generator_becomes_a_list_that_is_read_when_it_is_asked(job: Named) -> None:
    tasks = group(job.add.s(number) for number in range(3)).tasks

    assert isinstance(tasks, _regen)
    assert repr(tasks).endswith("...]>")
