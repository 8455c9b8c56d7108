from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError

from offload.canvas.freezing.signatures import plain as as_plain
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.jobs import aftermath
from offload.messaging.names import TOPIC_OPTION
from offload.models import Dependency, Job
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)

#: Canvases that fail somewhere, and how many nodes they have, body and steps included.
SHAPES: dict[str, tuple[Callable[[Any, Any], Any], int]] = {
    "first step": (lambda j, p: chain(j.fail.s(), j.add.s(1), j.add.s(2)), 3),
    "middle step": (lambda j, p: chain(j.add.s(1), j.fail.s(), j.add.s(2), p.add.s(3)), 4),
    "step before a group": (lambda j, p: chain(j.fail.s(), group(j.add.s(1), p.add.s(2))), 3),
    "step before a chord": (
        lambda j, p: chain(j.fail.s(), group(j.add.s(1), j.add.s(2)), j.total.s(), j.add.s(1)),
        5,
    ),
    "member": (lambda j, p: chord([j.fail.s(), j.add.s(1)], j.total.s()), 3),
    "member, with steps behind the body": (
        lambda j, p: chord([j.fail.s(), j.add.s(1)], chain(j.total.s(), j.add.s(1))),
        4,
    ),
    "member, with a group as body": (
        lambda j, p: chord([j.fail.s(), j.add.s(1)], group(j.same.s(), j.same.s())),
        4,
    ),
    "step of a member": (
        lambda j, p: chord([chain(j.fail.s(), j.add.s(1)), j.add.s(1)], j.total.s()),
        4,
    ),
    "member of an inner chord": (
        lambda j, p: chord([chord([j.fail.s(), j.add.s(1)], j.total.s()), j.add.s(1)], j.total.s()),
        5,
    ),
    "plain member": (lambda j, p: chord([p.fail.s(), j.add.s(1)], j.total.s()), 3),
    "plain step of a member": (
        lambda j, p: chord([chain(j.add.s(1), p.fail.s(), j.add.s(1)), j.add.s(1)], j.total.s()),
        5,
    ),
    "plain step behind a job": (lambda j, p: chain(j.add.s(1), p.fail.s(), j.add.s(1)), 3),
}


@both
@pytest.mark.parametrize("shape", SHAPES)
def test_after_a_failure_every_node_has_its_end(
    app: Celery, job: Named, plain: Named, driver: Driver, shape: str
) -> None:
    make, nodes = SHAPES[shape]
    result = make(job, plain).apply_async()

    driver.run_all()

    rows = list(Job.objects.all())
    assert len(rows) == nodes
    assert all(row.is_finished for row in rows)
    assert not Dependency.objects.filter(state="").exists()
    last = result.results if hasattr(result, "results") else [result]
    assert [app.AsyncResult(one.id).state for one in last] == ["FAILURE"] * len(last)
    for row in rows:
        told = app.AsyncResult(row.pk).state
        assert told == ("SUCCESS" if row.state == JobState.SUCCEEDED else "FAILURE")


def test_nodes_behind_a_failure_take_over_its_error(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = chain(job.fail.s(), job.add.s(1)).apply_async()

    driver.run_all()

    behind = Job.objects.get(pk=result.id)
    assert (behind.state, behind.error_type, behind.error) == (
        JobState.GIVEN_UP, "builtins.ValueError", "wrong",
    )  # fmt: skip
    with pytest.raises(ValueError, match="wrong"):
        app.AsyncResult(result.id).get(timeout=1)


def test_nodes_behind_a_stopped_job_are_stopped(app: Celery, job: Named, driver: Driver) -> None:
    result = chain(job.add.s(1), job.add.s(1)).apply_async()
    [first] = driver.waiting()
    terminations.stop([first.pk])

    aftermath.sweep()
    aftermath.sweep()

    assert Job.objects.get(pk=result.id).state == JobState.STOPPED
    assert str(app.AsyncResult(result.id).state) == "REVOKED"


def test_the_body_of_a_failed_join_says_which_member_failed(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = chord([job.add.s(1), job.fail.s()], job.total.s()).apply_async()

    driver.run_all()

    culprit = Job.objects.get(state=JobState.GIVEN_UP)
    body = Job.objects.get(pk=result.id)
    assert body.error == f"Dependency {culprit.pk} raised ValueError('wrong')"
    with pytest.raises(ChordError, match=culprit.pk):
        app.AsyncResult(result.id).get(timeout=1)


def test_a_join_fails_in_the_transaction_of_its_last_member(job: Named, driver: Driver) -> None:
    inner = chord([job.fail.s(), job.add.s(1)], job.total.s())
    result = chord([inner, job.add.s(1)], job.total.s()).apply_async()

    while driver.run_next():
        pass

    assert Job.objects.get(pk=result.id).state == JobState.ERROR


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


def test_the_mark_of_a_join_is_not_in_what_it_stores(job: Named) -> None:
    result = chord([job.add.s(1)], job.total.s()).apply_async()

    [dependency] = Dependency.objects.select_related("join")
    assert "offload_join" not in str(dependency.join.body)
    assert dependency.join.body["options"]["task_id"] == result.id
    assert as_plain(dependency.join.body) == dependency.join.body


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


def test_an_item_of_a_map_that_asks_for_a_retry_fails_the_map(
    app: Celery, job: Named, driver: Driver, calls: list[Any]
) -> None:
    result = job.once_more.map([1, 2]).apply_async()

    driver.run_all()

    assert len(calls) == 1
    assert app.AsyncResult(result.id).state == "FAILURE"


@pytest.mark.parametrize("app", [BACKENDS[1]], indirect=True)
@pytest.mark.parametrize(("name", "state"), [("fail", "FAILURE"), ("same", "SUCCESS")])
def test_a_result_elsewhere_is_there_before_what_follows_can_run(
    app: Celery, job: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch, name: str, state: str
) -> None:
    called = app.tasks[f"jobs.{name}"].apply_async(
        (1,), link=job.note.s(), link_error=job.heard.s()
    )
    seen: list[str] = []
    monkeypatch.setattr(
        dispatching, "offer", lambda _: seen.append(app.AsyncResult(called.id).state)
    )

    driver.run(called.id)

    assert seen == [state]
    assert Job.objects.get(pk=called.id).aftermath_due is False
