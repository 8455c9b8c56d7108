"""After a failure every node of a canvas has its end, with the error that caused it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError

from offload.canvas.freezing.signatures import as_dicts as as_plain
from offload.core.states import JobState
from offload.dispatch import offering
from offload.jobs import aftermath
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


def test_the_mark_of_a_join_is_not_in_what_it_stores(job: Named) -> None:
    result = chord([job.add.s(1)], job.total.s()).apply_async()

    [dependency] = Dependency.objects.select_related("join")
    assert "offload_join" not in str(dependency.join.body)
    assert dependency.join.body["options"]["task_id"] == result.id
    assert as_plain(dependency.join.body) == dependency.join.body


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
    monkeypatch.setattr(offering, "offer", lambda _: seen.append(app.AsyncResult(called.id).state))

    driver.run(called.id)

    assert seen == [state]
    assert Job.objects.get(pk=called.id).aftermath_due is False
