"""Values of jobs: in the row, or in the backend if they are too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.backends.base import Backend
from django.test import override_settings

from offload.canvas import hooks
from offload.canvas.following import tail
from offload.core.exceptions import MissingResult
from offload.jobs import aftermath, endings
from offload.messaging import installation
from offload.models import Job
from offload.operations.handles import JobHandle
from offload.results import result_backend, task_results
from offload.tracking import terminations
from tests.apps import forget_consumers
from tests.integration.world import join, running, statements
from tests.parameters import without_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = "x" * 200
#: In the job's database, in a server of its own, none, sent to the submitter.
BACKENDS = ("django-db", "cache+memory://", None, "rpc://")
KEEPING = BACKENDS[:2]
every_backend = pytest.mark.parametrize("backend", BACKENDS, indirect=True, ids=str)
keeping_backends = pytest.mark.parametrize("backend", KEEPING, indirect=True, ids=str)


@pytest.fixture
def backend(app: Celery, request: pytest.FixtureRequest, settings: Any) -> Iterator[Celery]:
    """Install an app with this result backend, where rows keep no more than 100 bytes."""
    other = Celery("values", broker="memory://", backend=request.param, set_as_current=False)
    hooks.install(other)
    forget_consumers(other)
    installation.remember(other, module=__name__)
    task_results.in_transaction.cache_clear()
    join()
    with override_settings(OFFLOAD={**settings.OFFLOAD, "MAX_RESULT": 100}):
        yield other
    task_results.in_transaction.cache_clear()


def returned(value: object, **facts: Any) -> JobHandle:
    """Return a job that returned this value, with nothing due any more."""
    run = running(**facts)
    endings.succeed(run.ending, value)
    assert run.row.aftermath_due is False
    return JobHandle(run.id)


def is_in_row(job: JobHandle) -> bool:
    """Return whether the row has the value."""
    return bool(Job.objects.filter(pk=job.id, result__isnull=False).exists())


@every_backend
@pytest.mark.parametrize("value", [None, 0, "", "text", LARGE], ids=without_addresses)
def test_a_job_has_the_value_it_returned(backend: Celery, value: object) -> None:
    assert returned(value).result(timeout=0) == value


@every_backend
@pytest.mark.parametrize("value", [None, LARGE], ids=without_addresses)
def test_a_job_without_a_result_in_celery_has_its_value_all_the_same(
    backend: Celery, value: object
) -> None:
    job = returned(value, options={"ignore_result": True})

    assert job.result(timeout=0) == value
    assert is_in_row(job)


@keeping_backends
def test_a_large_value_leaves_the_row_where_the_backend_keeps_it(backend: Celery) -> None:
    assert not is_in_row(returned(LARGE))


@every_backend
def test_a_large_value_that_is_due_still_stays_until_then(
    backend: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = running()
    with monkeypatch.context() as patch:
        patch.setattr(result_backend, "store", _away)
        endings.succeed(run.ending, LARGE)
    aftermath.sweep()

    assert JobHandle(run.id).result(timeout=0) == LARGE


@every_backend
def test_the_backend_is_not_asked_for_what_the_row_knows(
    backend: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing, little = returned(None), returned(7)
    monkeypatch.setattr(Backend, "get_task_meta", _away)

    assert nothing.result(timeout=0) is None
    with statements() as asked:
        assert little.result(timeout=0) == 7
    assert len(asked) == 1


@keeping_backends
def test_a_large_value_that_is_gone_is_missing_and_not_none(backend: Celery) -> None:
    job = returned(LARGE)
    there: Any = backend.backend
    there.forget(job.id)
    there._cache.clear()

    with pytest.raises(MissingResult, match=job.id):
        job.result(timeout=0)
    with pytest.raises(MissingResult):
        tail.ended(job.row)


def test_a_large_value_of_a_backend_that_was_taken_away_is_missing(
    app: Celery, settings: Any
) -> None:
    join()
    with override_settings(OFFLOAD={**settings.OFFLOAD, "MAX_RESULT": 100}):
        job = returned(LARGE)
    installation.remember(Celery("none", set_as_current=False), module=__name__)

    with pytest.raises(MissingResult):
        job.result(timeout=0)


@every_backend
def test_what_follows_a_job_is_given_none_where_it_returned_none(backend: Celery) -> None:
    assert tail.ended(returned(None).row).value is None


@keeping_backends
def test_a_value_is_dropped_by_who_clears_the_mark_if_it_is_kept(backend: Celery) -> None:
    job = running(options={"ignore_result": True})
    endings.succeed(job.ending, LARGE)
    Job.objects.filter(pk=job.id).update(aftermath_due=True)

    assert terminations.take_aftermath(job.id, is_kept=False)

    assert job.row.result == LARGE


def _away(*_: object, **__: object) -> None:
    raise ConnectionError("away")
