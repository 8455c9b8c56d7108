"""Celery's result of a failure comes before those of nodes it cut off: `get()` raises the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from celery.exceptions import TimeoutError as NotReady
from celery.result import result_from_tuple

from offload.jobs import aftermath
from offload.models import Job
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)
outside = pytest.mark.parametrize("app", BACKENDS[1:], indirect=True)

#: Canvases of which a reader sees the member that failed, on the way up from their result.
SHAPES: dict[str, Callable[[Any], Any]] = {
    "member": lambda j: chord([j.fail.si()], j.total.s()),
    "one of two members, the first to end": lambda j: chord([j.fail.si(), j.add.s(1)], j.total.s()),
    "one of two members, the last to end": lambda j: chord([j.add.s(1), j.fail.si()], j.total.s()),
    "two members": lambda j: chord([j.fail.si(), j.fail.si()], j.total.s()),
    "step of a member": lambda j: chord(
        [chain(j.add.s(1), j.fail.si(), j.add.s(1))], j.total.s()
    ),
    "member, with steps behind the body": lambda j: chord(
        [j.fail.si(), j.add.s(1)], chain(j.total.s(), j.add.s(1), j.add.s(1))
    ),
    "member, with a chord as body": lambda j: chord(
        [j.fail.si(), j.add.s(1)], chord([j.add.s(1), j.add.s(2)], j.total.s())
    ),
    "step of a member, with a chord behind the chord": lambda j: chain(
        chord([chain(j.fail.si(), j.add.s(1)), j.add.s(1)], j.total.s()),
        chord([j.add.s(1), j.add.s(2)], j.total.s()),
    ),
}  # fmt: skip


def read(app: Celery, result: Any) -> str:
    """Return the type of the error that a new reader gets, if any."""
    try:
        result_from_tuple(result.as_tuple(), app=app).get(timeout=0)
    except NotReady:
        return ""
    except Exception as error:
        return type(error).__name__
    return "a value"


@outside
@pytest.mark.parametrize("shape", SHAPES)
def test_a_failure_is_told_before_what_it_cut_off(
    app: Celery, job: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    result, seen = SHAPES[shape](job).apply_async(), []
    # Of the class: each thread has a backend of its own.
    kind = type(app.backend)
    store = kind.store_result

    def store_and_read(*args: Any, **options: Any) -> Any:
        stored = store(*args, **options)
        seen.append(read(app, result))
        return stored

    # Whoever made the ends died before it told them, and the sweep comes upon the last one first.
    monkeypatch.setattr(aftermath, "deliver", lambda _: None)
    monkeypatch.setattr(terminations, "due", last_first)
    monkeypatch.setattr(kind, "store_result", store_and_read)
    while driver.run_next():
        pass

    aftermath.sweep()

    assert not Job.objects.filter(aftermath_due=True).exists()
    assert {one for one in seen if one} == {"ValueError"}
    assert app.AsyncResult(result.id).state == "FAILURE"


def last_first(*_: Any, **__: Any) -> Sequence[str]:
    due = Job.objects.filter(aftermath_due=True)
    # A member ended before its body fell, and was stored before it: times may be equal.
    return [row.pk for row in due.order_by("attempts", "-finished_at", "id")]


@both
@pytest.mark.parametrize("shape", SHAPES)
def test_a_reader_who_looked_before_the_failure_looks_once_more(
    app: Celery, job: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    result = SHAPES[shape](job).apply_async()
    look = app.backend.get_task_meta

    def look_late(task_id: str, **options: Any) -> Any:
        if task_id == result.id:
            # All ends between the look at what came before, and the look at the result.
            driver.run_all()
        return look(task_id, **options)

    monkeypatch.setattr(app.backend, "get_task_meta", look_late)

    assert read(app, result) == "ValueError"


@both
def test_a_reader_who_does_not_follow_parents_is_told_what_the_result_says(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = chord([job.fail.si()], job.total.s()).apply_async()

    driver.run_all()

    assert type(result.get(propagate=False)).__name__ == "ChordError"
    assert type(app.AsyncResult(result.id).result).__name__ == "ChordError"
