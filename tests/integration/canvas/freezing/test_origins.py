"""Steps that an earlier canvas was frozen with, sent again, alone or in a later canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from celery import chain, chord
from celery.app.trace import trace_task

from offload.core.states import JobState
from offload.models import Dependency, Job
from offload.results import task_results
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)


def test_what_follows_a_plain_task_runs_once_though_its_message_comes_twice(
    app: Celery,
    job: Named,
    plain: Named,
    driver: Driver,
    calls: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    result: Any = chain(plain.note.si(1), job.note.si(2)).apply_async()
    [message] = driver.sent()
    args, kwargs, embed = message.payload
    request = {**message.headers, **embed, "delivery_info": {}, "called_directly": False}

    for _ in range(2):
        trace_task(plain.note, message.headers["id"], args, kwargs, request=request, app=app)
        driver.run_all()

    assert calls == [[1], [2], [1]]
    told = f"job {result.id} is SUCCEEDED: sending it again did nothing"
    assert caplog.text.count(told) == 1


@pytest.mark.parametrize("app", BACKENDS[1:], indirect=True)
def test_a_backend_that_is_away_keeps_nothing_from_being_sent_again(
    job: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mine = str(uuid4())
    job.add.apply_async((1,), task_id=mine)
    driver.run_all()

    def away(ask: Callable[[], Any]) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(task_results, "bounded", away)

    job.add.apply_async((2,), task_id=mine)

    assert Job.objects.get().args == [2]
    assert f"the old results of {mine} are not forgotten: no answer" in caplog.text


@both
def test_a_step_that_an_earlier_canvas_was_frozen_with_runs_in_a_later_one_too(
    app: Celery, job: Named, driver: Driver, calls: list[Any]
) -> None:
    step = job.fail.s()
    step.freeze()
    steps = chain(job.same.si(1), step.on_error(job.heard.s()), job.same.si(2))
    chord([steps], job.same.s()).apply_async()
    driver.run_all()
    assert calls == [[step.id, ""]]

    chord([job.same.si(3)], steps).apply_async()
    driver.run_all()

    assert calls == [[step.id, ""]] * 2
    assert not Job.objects.unfinished()
    assert not Dependency.objects.filter(state="")


def test_a_chord_that_an_earlier_canvas_was_frozen_with_runs_in_a_later_one_too(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    inner = chord([job.note.si(1), job.note.si(2)], job.note.si(3))
    inner.freeze()
    inner.apply_async()
    driver.run_all()

    chain(job.note.si(0), inner).apply_async()
    driver.run_all()

    assert sorted(calls) == [[0], [1], [1], [2], [2], [3], [3]]
    assert not Job.objects.unfinished()


def test_a_job_that_was_stopped_while_it_was_replaced_stays_so(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    row_id = job.swap.delay(chain(job.note.si(1), job.note.si(2))).id
    driver.run(row_id)
    terminations.stop([row_id])

    driver.run_all()

    assert Job.objects.get(pk=row_id).state == JobState.STOPPED
    assert calls == [[1]]
