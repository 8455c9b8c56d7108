"""Arguments that a call hides are nowhere but in its row and its message."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload import JobHandle
from tests.acceptance.listening import listening
from tests.acceptance.site import tasks
from tests.acceptance.watching import ended
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet, Worker

SECRET = "secret-7f3a"
HIDDEN: dict[str, Any] = {"argsrepr": "(hidden args)", "kwargsrepr": "{hidden kwargs}"}
#: The events that tell of a call's arguments, and that of the last end.
EVENTS = {"task-sent", "task-received", "task-retried", "task-succeeded"}
#: The same secret by position and by name.
CALLS: list[dict[str, Any]] = [{"args": (SECRET,)}, {"kwargs": {"_": SECRET}}]


@pytest.mark.everywhere
@pytest.mark.site(ACCEPTANCE_SENT_EVENTS="yes")
def test_they_are_in_no_event_no_log_and_no_result(fleet: Fleet) -> None:
    fleet.need()
    worker = fleet.start("events", options=["-E"])
    with listening() as (_, heard):
        jobs = [tasks.job_call_again.apply_async(**call, **HIDDEN) for call in CALLS]
        for job in jobs:
            ended(JobHandle(job.id))
            eventually(partial(_is_told, job.id, heard), what=f"the events of {job}")
            eventually(partial(_is_logged, job.id, worker), what=f"the end of {job} in the log")

    told = [one for one in heard if one["type"] in {"task-sent", "task-received"}]
    assert {(one["args"], one["kwargs"]) for one in told} == {tuple(HIDDEN.values())}
    assert SECRET not in repr(heard)
    assert SECRET not in worker.log.read_text()
    rows = list(TaskResult.objects.filter(task_id__in=[job.id for job in jobs]).values())
    assert [row["status"] for row in rows] == ["SUCCESS"] * len(jobs)
    assert all("hidden args" in row["task_args"] for row in rows)
    assert all("hidden kwargs" in row["task_kwargs"] for row in rows)
    assert SECRET not in repr(rows)


def _is_told(job_id: str, heard: list[dict[str, Any]]) -> bool:
    return {one["type"] for one in heard if one.get("uuid") == job_id} >= EVENTS


def _is_logged(job_id: str, worker: Worker) -> bool:
    return f"{job_id}] succeeded" in worker.log.read_text()


@pytest.mark.on("postgresql+redis")
@pytest.mark.site(ACCEPTANCE_RESULTS="broker")
@pytest.mark.parametrize("call", CALLS, ids=["by position", "by name"])
def test_they_are_in_no_result_elsewhere(fleet: Fleet, site: Any, call: dict[str, Any]) -> None:
    fleet.need("a")

    job = tasks.job_call_again.apply_async(**call, **HIDDEN)
    job.get(timeout=30)

    found = str(site.backend.get(site.backend.get_key_for_task(job.id)))
    assert SECRET not in found
    assert all(text in found for text in HIDDEN.values())
