"""Jobs that were handed over end by their token, once, whoever has it."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import override_settings
from django_celery_results.models import TaskResult

import offload
from offload.core.exceptions import InvalidToken, InvalidValue, StaleAttempt, UnknownJob
from offload.core.states import JobState
from offload.core.tokens import Token
from offload.db import database
from offload.jobs import async_completion, endings, losses, ran
from offload.models import Job
from offload.operations.handles import JobHandle
from offload.results import result_backend
from offload.signals import stale_attempt
from tests.integration.beside import together
from tests.integration.jobs.situations import NEXT, handed
from tests.integration.world import TASK, join, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.world import Told


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.fixture
def stale() -> Iterator[list[str]]:
    """Return the jobs of which a write was refused."""
    told: list[str] = []

    def note(*, job_id: str, **_: object) -> None:
        told.append(job_id)

    stale_attempt.connect(note, dispatch_uid="tests")
    yield told
    stale_attempt.disconnect(dispatch_uid="tests")


def test_a_job_that_was_handed_over_is_completed_by_its_token(
    app: Celery, changes: list[Told]
) -> None:
    run, token = handed()
    changes.clear()

    offload.complete(token, {"width": 1280})

    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, {"width": 1280})
    assert (run.row.aftermath_due, run.row.is_handed_over) == (False, False)
    assert app.AsyncResult(run.id).get(timeout=1) == {"width": 1280}
    assert changes == [(run.id, "ACTIVE", "SUCCEEDED", 1)]


def test_it_is_completed_without_a_value_too(app: Celery) -> None:
    run, token = handed()

    offload.complete(token)

    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, None)
    assert app.AsyncResult(run.id).get(timeout=1) is None


def test_what_hangs_on_it_follows_once(followed: list[Any]) -> None:
    run, token = handed(tail=NEXT, has_tail=True)

    offload.complete(token, 7)
    with pytest.raises(StaleAttempt):
        offload.complete(token, 8)

    assert [(end.id, end.state, end.value) for end in followed] == [(run.id, "SUCCESS", 7)]


def test_a_value_that_cannot_be_stored_leaves_the_job_as_it_was() -> None:
    run, token = handed()

    with pytest.raises(InvalidValue):
        offload.complete(token, object())

    assert run.row.is_handed_over
    offload.complete(token, 1)
    assert run.row.state == JobState.SUCCEEDED


def test_the_task_that_ran_decides_on_retries_after_the_hand_over_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = {TASK: SimpleNamespace(retried_by_queue=False)}
    monkeypatch.setattr(ran, "installed", lambda: SimpleNamespace(tasks=tasks))
    run = running()
    before = losses.policy_of(Job.objects.get(pk=run.id))

    endings.hand_over(run.ending, 60)

    assert losses.policy_of(Job.objects.get(pk=run.id)) == before
    assert before.retries == 0


def test_nothing_is_a_value_too(monkeypatch: pytest.MonkeyPatch) -> None:
    run, token = handed()

    offload.complete(token)

    monkeypatch.setattr(result_backend, "backend", lambda: pytest.fail("the row says it"))
    assert JobHandle(run.row.pk).result(0) is None


def test_a_value_too_large_for_the_row_is_in_celery_alone(settings: Any) -> None:
    run, token = handed()

    with override_settings(OFFLOAD={**settings.OFFLOAD, "MAX_RESULT": 100}):
        offload.complete(token, "x" * 200)

    assert run.row.result is None
    assert result_backend.value_of(run.row) == "x" * 200


def test_an_end_is_the_callers_to_take_back() -> None:
    run, token = handed()

    with database.atomic():
        offload.complete(token, 1)
        assert TaskResult.objects.get(task_id=run.id).status == "SUCCESS"
        transaction.set_rollback(True, using=database.alias())

    assert run.row.is_handed_over
    assert not TaskResult.objects.exists()


def test_who_it_was_handed_over_to_says_how_far_it_is() -> None:
    run, token = handed()

    offload.progress(token, 3, 9, "cooling")

    assert run.row.progress == {"current": 3, "total": 9, "message": "cooling"}


ACTS: dict[str, Any] = {
    "complete": offload.complete,
    "fail": partial(offload.fail, message="no"),
    "fail for good": partial(offload.fail, message="no", retry=False),
    "progress": partial(offload.progress, current=1),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_token_that_ends_nothing_is_refused(act: Any) -> None:
    run, token = handed()
    other = Token(run.id, run.key.epoch, str(uuid4()))
    later = Token(run.id, run.key.epoch + 1, run.key.secret)
    unknown = Token("nobody", 1, run.key.secret)
    from_the_row = Token(run.id, run.key.epoch, run.row.token)

    for wrong, error in [
        (str(other), StaleAttempt),
        (str(from_the_row), StaleAttempt),
        (str(later), StaleAttempt),
        (str(unknown), UnknownJob),
        ("nonsense", InvalidToken),
    ]:
        with pytest.raises(error):
            act(wrong)
    assert run.row.is_handed_over

    offload.complete(token, "right")
    with pytest.raises(StaleAttempt):
        act(token)
    assert run.row.result == "right"


def test_of_several_ends_at_once_one_is_written() -> None:
    terminations = (
        partial(offload.complete, value=7),
        partial(offload.fail, message="once more"),
        # Another text: who says the same as the end that was written hears that it is done.
        partial(offload.fail, message="no", retry=False),
    )
    for _ in range(5):
        run, token = handed()
        acts = [partial(_accepted, end, token) for end in terminations]

        assert sum(together(acts)) == 1

        assert run.row.state in {JobState.SUCCEEDED, JobState.PENDING, JobState.ERROR}


def _accepted(act: Any, token: str) -> bool:
    try:
        act(token)
    except StaleAttempt:
        return False
    return True


def test_it_may_be_completed_before_its_consumer_has_returned(stale: list[str]) -> None:
    run = running()
    offload.complete(async_completion.token_of(run.key), "fast")

    assert endings.hand_over(run.ending, 60) is JobState.ACTIVE

    assert (run.row.state, run.row.result, run.row.handed_until) == ("SUCCEEDED", "fast", None)
    assert stale == []


def test_it_may_fail_before_its_consumer_has_returned() -> None:
    run, second = running(), running()
    offload.fail(async_completion.token_of(run.key), "fast")
    offload.fail(async_completion.token_of(second.key), "fast", retry=False)

    assert endings.hand_over(run.ending, 60) is JobState.ACTIVE
    assert endings.hand_over(second.ending, 60) is JobState.ACTIVE

    assert (run.row.state, second.row.state) == (JobState.PENDING, JobState.ERROR)
