"""A job sees the same facts about its call as a plain task, and so does its result."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery.signals import before_task_publish
from django_celery_results.models import TaskResult

from offload import JobHandle
from offload.models import Job
from tests.acceptance.site import tasks
from tests.acceptance.watching import ended
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

HIDDEN: dict[str, Any] = {"argsrepr": "(hidden,)", "kwargsrepr": "{}"}
CALL: dict[str, Any] = {
    "priority": 4,
    "app_id": "shop",
    "time_limit": 50,
    "headers": {"x_tenant": "north"},
    "tenant": "south",
    "stamped_headers": ["tenant"],
    **HIDDEN,
}
#: Columns that differ between any two tasks.
OWN = {"id", "task_id", "task_name", "date_created", "date_done", "date_started"}


@pytest.mark.parametrize(
    ("plain", "job"),
    [(tasks.plain_call, tasks.job_call), (tasks.plain_call_again, tasks.job_call_again)],
    ids=["first", "retried"],
)
def test_a_job_is_told_of_its_call_what_a_plain_task_is(fleet: Fleet, plain: Any, job: Any) -> None:
    fleet.need("a")

    there = plain.apply_async((1,), countdown=0.1, **CALL).get(timeout=30)
    here = job.apply_async((1,), countdown=0.1, **CALL).get(timeout=30)

    assert here["args"] == "(hidden,)"
    times = [datetime.fromisoformat(said.pop("eta")) for said in (there, here)]
    assert abs(times[0] - times[1]) < timedelta(seconds=20)
    # For a retry Celery makes the text anew, of the arguments themselves, and drops properties.
    there |= {"args": "(hidden,)", "app": "shop"}
    assert here == there


def test_what_a_receiver_adds_to_the_message_reaches_a_run_that_another_process_bound(
    fleet: Fleet,
) -> None:
    fleet.need("a")

    def trace(headers: dict[str, Any], **_: object) -> None:
        headers["x_tenant"] = "traced"

    before_task_publish.connect(trace)
    try:
        called = tasks.job_call.apply_async((1,), countdown=0.1)
    finally:
        before_task_publish.disconnect(trace)

    assert called.get(timeout=30)["header"] == "traced"


@pytest.mark.parametrize(
    ("plain", "job", "args"),
    [
        (tasks.plain_call, tasks.job_call, (1,)),
        (tasks.plain_boom, tasks.job_boom, ()),
        (tasks.plain_call_again, tasks.job_call_again, (1,)),
    ],
    ids=["success", "failure", "retried"],
)
def test_the_stored_result_of_a_job_is_that_of_a_plain_task_column_by_column(
    fleet: Fleet, plain: Any, job: Any, args: Any
) -> None:
    fleet.need("a")
    options: dict[str, Any] = {"headers": {"periodic_task_name": "nightly"}}

    rows = [stored(task.apply_async(args, **options).id) for task in (plain, job)]

    there, here = (columns(row) for row in rows)
    assert here == there
    assert here["periodic_task_name"] == "nightly"
    assert all(row.date_started and row.date_done >= row.date_created for row in rows)


def stored(task_id: str) -> Any:
    """Return a result once it is final."""
    found = TaskResult.objects.filter(task_id=task_id, status__in=["SUCCESS", "FAILURE"])
    return eventually(found.first, what=f"the result of {task_id}")


def columns(row: Any) -> dict[str, Any]:
    """Return the columns that must not differ; of a traceback, its last line."""
    found = {
        field.name: getattr(row, field.name)
        for field in TaskResult._meta.fields
        if field.name not in OWN
    }
    lines = (row.traceback or "").strip().splitlines()
    # The times of calls differ; their form does not.
    kept = row.result if row.status == "FAILURE" else None
    return {**found, "traceback": lines[-1:] or None, "result": kept}


def test_a_task_that_keeps_no_result_keeps_none_when_it_is_called_by_its_name(
    fleet: Fleet, site: Any
) -> None:
    fleet.need("a")

    named = site.send_task(tasks.quiet.name)
    asked = tasks.quiet.apply_async(ignore_result=False)

    assert asked.get(timeout=30) == 1
    ended(JobHandle(named.id))
    assert not TaskResult.objects.filter(task_id=named.id).exists()


def test_a_job_that_waits_for_its_retry_is_called_so(fleet: Fleet, site: Any) -> None:
    fleet.need("a")
    is_called_retried(site)


@pytest.mark.site(ACCEPTANCE_RESULTS="broker")
def test_a_job_that_waits_for_its_retry_is_called_so_elsewhere_too(fleet: Fleet, site: Any) -> None:
    fleet.need("a")
    is_called_retried(site)


def is_called_retried(site: Any) -> None:
    """Check what Celery says of a job that its task retries."""
    job = tasks.slow_again.delay()

    result = site.AsyncResult(job.id)
    eventually(lambda: result.state == "RETRY", what="RETRY")
    assert isinstance(result.info, ValueError)
    # Other backends hear of it before the row says so: then nothing later is replaced.
    eventually(lambda: Job.objects.get(pk=job.id).state == "PENDING", what="PENDING")
    assert result.get(timeout=30) == "well"
