from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group
from django.db import connections
from django.test.utils import CaptureQueriesContext

from offload.core.exceptions import InvalidProperties
from offload.core.states import JobState
from offload.jobs import endings
from offload.models import Job
from tests.arranging import arrange
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_a_chain_of_jobs_hands_each_value_on(app: Celery, job: Named, driver: Driver) -> None:
    result = chain(job.add.s(1, 2), job.add.s(3), job.add.s(4)).apply_async()

    assert [one.topic for one in driver.waiting()] == ["jobs/add"]
    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 10
    assert Job.objects.count() == 3


def test_the_next_step_is_stored_by_the_end_before_it(job: Named, driver: Driver) -> None:
    result = chain(job.add.s(1, 2), job.add.s(3)).apply_async()
    first = driver.run_next()

    [step] = driver.waiting()
    assert (step.pk, step.args) == (result.id, [3, 3])
    assert first is not None
    assert (step.parent_id, step.root_id) == (first.pk, first.pk)


def test_a_second_end_of_the_same_job_stores_no_second_step(job: Named, driver: Driver) -> None:
    result = chain(job.add.s(1, 2), job.add.s(3)).apply_async()
    first = driver.run_next()
    driver.run(result.id)
    assert first is not None
    arrange(
        Job.objects.filter(pk=first.pk),
        state=JobState.PENDING,
        finished_at=None,
        has_tail=True,
        tail=first.tail,
    )

    driver.run(first.pk)

    assert Job.objects.count() == 2
    assert Job.objects.get(pk=result.id).state == JobState.SUCCEEDED


def test_callbacks_of_success_get_the_value(
    job: Named, plain: Named, driver: Driver, calls: list[Any]
) -> None:
    job.add.apply_async((1, 2), link=[job.note.s("job"), plain.note.s("plain")])

    driver.run_all()

    assert sorted(calls, key=str) == [[3, "job"], [3, "plain"]]


def test_a_single_callback_needs_no_list(job: Named, driver: Driver, calls: list[Any]) -> None:
    job.add.apply_async((1, 2), link=job.note.s())

    driver.run_all()

    assert calls == [[3]]


def test_a_group_as_callback_runs_whole(job: Named, driver: Driver, calls: list[Any]) -> None:
    job.add.apply_async((1, 2), link=group(job.note.s("a"), job.note.s("b")))

    driver.run_all()

    assert sorted(calls) == [[3, "a"], [3, "b"]]


def test_an_immutable_step_ignores_the_value(job: Named, driver: Driver, calls: list[Any]) -> None:
    chain(job.add.s(1, 2), job.note.si("alone")).apply_async()

    driver.run_all()

    assert calls == [["alone"]]


def test_a_chain_that_ends_in_a_group_has_all_its_results(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = chain(job.add.s(1, 2), group(job.add.s(1), job.add.s(2))).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == [4, 5]


def test_jobs_and_plain_tasks_take_turns_in_a_chain(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    steps = [job.add.s(1, 1), plain.add.s(1), job.add.s(1), plain.add.s(1), job.add.s(1)]
    result = chain(*steps).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 6
    assert [row.kind for row in Job.objects.order_by("created_at", "id")] == [
        "job", "relay", "job", "relay", "job",
    ]  # fmt: skip


def test_a_chain_that_begins_plain_goes_on_as_jobs(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    result = chain(plain.add.s(1, 1), job.add.s(1)).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 3
    assert list(Job.objects.values_list("pk", flat=True)) == [result.id]


def test_a_value_too_large_for_the_row_is_handed_on_whole(
    app: Celery, job: Named, driver: Driver
) -> None:
    text = "x" * 300_000
    result = chain(job.add.s("x", "x" * 199_999), job.add.s("x" * 100_000)).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == text
    assert Job.objects.get(pk=result.id).result is None


def test_a_step_that_cannot_be_submitted_ends_with_the_reason(
    app: Celery, job: Named, driver: Driver
) -> None:
    steps = [job.add.s(1, 1), job.add.s(1).set(offload_topic="no topic"), job.add.s(1)]
    result = chain(*steps).apply_async()

    driver.run_all()

    states = Job.objects.order_by("created_at", "id").values_list("state", flat=True)
    assert sorted(states) == [JobState.ERROR, JobState.ERROR, JobState.SUCCEEDED]
    assert "not a topic" in Job.objects.get(pk=result.id).error
    assert app.AsyncResult(result.id).state == "FAILURE"


def test_the_rest_of_a_chain_stands_in_one_row_at_a_time(job: Named, driver: Driver) -> None:
    chain(job.add.s(0), *[job.add.s(1) for _ in range(30)]).apply_async()

    for left in range(30, 0, -1):
        tails: list[Any] = list(Job.objects.exclude(tail=None).values_list("tail", flat=True))
        assert [len(tail["chain"]) for tail in tails] == [left]
        driver.run_next()


def test_a_step_costs_few_statements(job: Named, driver: Driver, database_alias: str) -> None:
    result = chain(job.add.s(1), job.add.s(1)).apply_async()
    [first] = driver.waiting()
    ending = driver.claim(first.pk)

    with CaptureQueriesContext(connections[database_alias]) as statements:
        endings.succeed(ending, 1)

    told = [one["sql"] for one in statements if "offload_" in one["sql"]]
    writes = [
        sql for sql in told if sql.startswith(("INSERT", "UPDATE", "WITH changed AS (UPDATE"))
    ]
    assert len(writes) == 2
    assert Job.objects.filter(pk=result.id).exists()


def test_a_canvas_without_bounds_is_refused(job: Named) -> None:
    with pytest.raises(InvalidProperties, match="canvas"):
        chain(*[job.note.si("x" * 200_000) for _ in range(90)]).apply_async()

    assert not Job.objects.exists()


def test_a_step_beyond_the_bounds_is_stored_within_them(job: Named, driver: Driver) -> None:
    step = job.add.s(1).set(countdown=3e11, expires=3e11, priority=99_999)
    chain(job.add.s(1, 1), step).apply_async()

    driver.run_next()

    found = Job.objects.get(state="PENDING")
    assert found.priority == 32_767
    assert found.run_at is not None
    assert found.expires_at is not None


def test_priority_is_inherited_where_the_site_wants_it(
    app: Celery, job: Named, driver: Driver
) -> None:
    app.conf.task_inherit_parent_priority = True
    try:
        chain(job.add.s(1).set(priority=5), job.add.s(1)).apply_async()
        driver.run_next()
        [step] = driver.waiting()
    finally:
        app.conf.task_inherit_parent_priority = False

    assert step.priority == 5


@pytest.mark.parametrize(
    ("which", "stands_for"),
    [("one", [["another", None], None]), ("many", [["many", None], [[["a", None], None]]])],
)
@pytest.mark.parametrize("app", BACKENDS, indirect=True)
def test_a_result_of_celerys_own_can_be_returned(
    app: Celery, job: Named, driver: Driver, which: str, stands_for: list[Any]
) -> None:
    chain(job.handle.s(which), job.same.s()).apply_async()

    driver.run_all()

    for row in Job.objects.all():
        assert row.result == stands_for
        assert app.AsyncResult(row.pk).get(timeout=1) == stands_for
