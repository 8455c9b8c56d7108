"""Arguments that a call hides are in no result, whatever keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.backends.base import KeyValueStoreBackend
from django_celery_results.models import TaskResult

from offload.jobs import aftermath, stopping
from offload.operations.handles import JobHandle
from offload.testing import run_jobs
from tests.integration.driving.fixtures import BACKENDS
from tests.integration.driving.tasks import NOTES

if TYPE_CHECKING:
    from celery import Celery

SECRET = "secret-7f3a"
#: The texts of a call, and what a result has of them.
HIDDEN: list[dict[str, str]] = [
    {"argsrepr": "(hidden args)", "kwargsrepr": "{hidden kwargs}"},
    {"argsrepr": "", "kwargsrepr": ""},
]
everywhere = pytest.mark.parametrize("app", BACKENDS, indirect=True)
however = pytest.mark.parametrize("hidden", HIDDEN, ids=["texts", "empty"])


def pay(self: Any, *_: str, **__: str) -> str:
    """Succeed at the second attempt; note what is kept of the first."""
    if not self.request.retries:
        raise self.retry(countdown=0, exc=ValueError("not yet"))
    NOTES.append(stored(self.app, self.request.id))
    return "paid"


def refuse(self: Any, *_: str, **__: str) -> None:
    """Fail for good."""
    raise ValueError("no")


def stored(app: Celery, task_id: str) -> str:
    """Return all that the backend keeps of a result."""
    backend: Any = app.backend
    if isinstance(backend, KeyValueStoreBackend):
        return str(backend.get(backend.get_key_for_task(task_id)))
    return str(TaskResult.objects.filter(task_id=task_id).values().get())


def called(task: Any, **options: Any) -> str:
    """Call a task with what is secret, and return the job's id."""
    return str(task.apply_async((SECRET,), {"key": SECRET}, **options).id)


@everywhere
@however
@pytest.mark.parametrize("function", [pay, refuse])
def test_of_a_run(
    app: Celery, hooked: Any, calls: list[Any], function: Any, hidden: dict[str, str]
) -> None:
    job_id = called(hooked(function=function, bind=True), **hidden)

    run_jobs()

    assert JobHandle(job_id).state.is_final
    found = [*(one for one in calls if job_id in one), stored(app, job_id)]
    assert len(found) == (2 if function is pay else 1)
    assert [one for one in found if SECRET in one] == []
    assert all(text in one for one in found for text in hidden.values())
    result: Any = app.AsyncResult(job_id)
    assert result.args == hidden["argsrepr"]


@everywhere
@however
def test_of_a_job_that_never_ran(app: Celery, hooked: Any, hidden: dict[str, str]) -> None:
    job_id = called(hooked(function=pay, bind=True), countdown=60, **hidden)

    stopping.stop(job_id)
    aftermath.sweep()

    found = stored(app, job_id)
    assert "REVOKED" in found
    assert SECRET not in found
    assert all(text in found for text in hidden.values())


@everywhere
def test_those_that_are_not_hidden_are_kept(app: Celery, hooked: Any) -> None:
    job_id = called(hooked(function=refuse, bind=True))

    run_jobs()

    assert SECRET in stored(app, job_id)
