"""Callbacks of a failure: jobs of their own, called once, whatever becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group

from offload.core.states import JobState
from offload.jobs import aftermath
from offload.messaging.names import TOPIC_OPTION
from offload.models import Job
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)


def test_callbacks_of_a_failure_are_jobs(job: Named, driver: Driver, calls: list[Any]) -> None:
    row_id = job.fail.apply_async(link_error=[job.heard.s(), job.told.s()]).id

    driver.run(row_id)
    rows = {row.task: row for row in driver.waiting()}

    assert {name: row.topic for name, row in rows.items()} == {
        "jobs.heard": "jobs/heard",
        "offload.errback": "jobs/told",
    }
    assert {row.parent_id for row in rows.values()} == {row_id}
    driver.run_all()
    assert sorted(calls) == [[row_id, ""], [row_id, "ValueError('wrong')", "ValueError: wrong"]]


def test_plain_callbacks_of_a_failure_are_sent(
    job: Named, plain: Named, driver: Driver, calls: list[Any]
) -> None:
    row_id = job.fail.apply_async(link_error=[plain.heard.s(), plain.told.s()]).id

    driver.run_all()

    assert sorted(calls) == [[row_id, ""], [row_id, "ValueError('wrong')", "ValueError: wrong"]]


def test_callbacks_of_a_chain_are_called_once(job: Named, driver: Driver, calls: list[Any]) -> None:
    steps = chain(job.fail.s(), job.add.s(1), job.add.s(1))
    steps.apply_async(link_error=job.heard.s())

    driver.run_all()

    assert len(calls) == 1


def test_callbacks_of_a_body_are_called_when_a_member_fails(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    body = job.total.s().on_error(job.told.s())
    result = chord([job.fail.s(), job.add.s(1)], body).apply_async()

    driver.run_all()

    [[told, error]] = calls
    assert told == result.id
    assert error.startswith("ChordError")


@both
def test_callbacks_of_a_body_are_the_children_of_its_result(
    app: Celery, job: Named, driver: Driver, calls: list[Any]
) -> None:
    body = job.total.s().on_error(job.heard.s())
    result = chord([job.fail.s(), job.add.s(1)], body).apply_async()

    driver.run_all()

    children: Any = app.AsyncResult(result.id).children
    [child] = children
    assert Job.objects.get(pk=child.id).task == "jobs.heard"


def test_callbacks_of_a_group_as_body_are_called_once_each(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    body = group(*(job.same.s().on_error(job.heard.s(name=name)) for name in "ab"))
    chord([job.fail.s(), job.add.s(1)], body).apply_async()

    driver.run_all()

    assert sorted(call[1] for call in calls) == ["a", "b"]


def test_a_callback_is_told_of_a_stopped_job(job: Named, driver: Driver, calls: list[Any]) -> None:
    row_id = job.add.apply_async((1, 2), link_error=job.told.s()).id
    terminations.stop([row_id])

    driver.run_all()

    assert calls[0][:2] == [row_id, "TaskRevokedError('stopped')"]


#: Callbacks that cannot be submitted, by what is wrong with them.
BAD: dict[str, Callable[[Any], Any]] = {
    "takes no id": lambda j: j.deaf.s(),
    "has a topic that is none": lambda j: j.heard.s().set(**{TOPIC_OPTION: "a//b"}),
    "is no whole signature": lambda j: {"task": "jobs.heard"},
    "takes facts, under a topic that is none": lambda j: j.told.s().set(**{TOPIC_OPTION: "a//b"}),
}
bad_callbacks = pytest.mark.parametrize("bad", BAD)


@bad_callbacks
def test_a_callback_that_cannot_be_submitted_keeps_no_job_from_its_end(
    job: Named, driver: Driver, calls: list[Any], bad: str
) -> None:
    row_id = job.fail.apply_async(link_error=[BAD[bad](job), job.heard.s()]).id

    assert driver.run(row_id) is JobState.GIVEN_UP
    driver.run_all()

    assert calls == [[row_id, ""]]
    assert Job.objects.count() == 2


@bad_callbacks
def test_a_callback_that_cannot_be_submitted_keeps_no_member_from_its_end(
    job: Named, driver: Driver, calls: list[Any], bad: str
) -> None:
    body = job.total.s().set(link_error=[BAD[bad](job), job.heard.s()])
    result = chord([job.fail.s(), job.add.s(1)], body).apply_async()
    innocent, failing = sorted(driver.waiting(), key=lambda row: row.topic)
    driver.run(failing.pk)

    assert driver.run(innocent.pk) is JobState.SUCCEEDED
    driver.run_all()

    assert Job.objects.get(pk=result.id).state == JobState.ERROR
    assert [result.id, ""] in calls


@bad_callbacks
def test_a_callback_that_cannot_be_submitted_keeps_no_stop_from_its_aftermath(
    app: Celery, job: Named, driver: Driver, bad: str
) -> None:
    row_id = job.add.apply_async((1, 2), link_error=BAD[bad](job)).id
    terminations.stop([row_id])

    assert aftermath.sweep() == 1

    assert Job.objects.get(pk=row_id).aftermath_due is False
    assert str(app.AsyncResult(row_id).state) == "REVOKED"


def test_a_callback_that_retries_itself_is_a_job_of_its_own_and_ends(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    row_id = job.fail.apply_async(link_error=job.once_more.s()).id

    driver.run_all()

    assert calls == [[row_id, 0], [row_id, 1]]
    callback = Job.objects.get(task="jobs.once_more")
    assert (callback.state, callback.error_type) == (
        JobState.GIVEN_UP, "celery.exceptions.MaxRetriesExceededError",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["jobs", "plain"])
def test_a_callback_that_is_called_directly_and_asks_for_a_retry_ends(
    app: Celery, job: Named, driver: Driver, calls: list[Any], kind: str
) -> None:
    row_id = job.fail.apply_async(link_error=app.tasks[f"{kind}.tells_again"].s()).id

    driver.run_all()

    assert calls == [[row_id]]
    assert not Job.objects.filter(state="PENDING", hold="", run_at=None, kind="job").exists()
    assert Job.objects.get(task="offload.errback").error_type == "builtins.RuntimeError"
