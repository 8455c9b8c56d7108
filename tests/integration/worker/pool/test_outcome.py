"""Results that cannot be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.states import JobState
from offload.models import Queue
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.fixtures import BACKENDS
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


def endless() -> list[Any]:
    """Return a list that contains itself."""
    found: list[Any] = []
    found.append(found)
    return found


#: Returned values, and their types in the error.
UNFIT = {
    "an object": (object, "object"),
    "an object within": (lambda: {"a": [object()]}, "dict"),
    "an endless list": (endless, "list"),
    "a key that is no text": (lambda: {(1, 2): 3}, "dict"),
}


@pytest.fixture
def unfit(app: Celery) -> Iterator[None]:
    """Give the app a consumer that returns what cannot be stored, and is retried."""

    def give(job: Any, *, what: str) -> Any:
        return UNFIT[what][0]()

    define(app, give, name="tests.give", base=ConsumerTask, pattern="give", topic="give")
    Queue.objects.create(name="give", topics=["give"], retries=3)
    yield
    app.tasks.pop("tests.give")


@pytest.mark.usefixtures("unfit")
@pytest.mark.parametrize("app", BACKENDS, indirect=True)
@pytest.mark.parametrize("what", UNFIT)
def test_a_result_that_cannot_be_stored_ends_its_job_at_once_and_is_named(
    app: Celery, what: str
) -> None:
    given = offload.submit("give", {"what": what})

    assert run_jobs() == [given]

    told = f"The result, of type {UNFIT[what][1]}, cannot be stored"
    assert (given.row.state, given.row.attempts) == (JobState.ERROR, 1)
    with pytest.raises(offload.JobFailed, match=told):
        given.result(0)
    with pytest.raises(Exception, match=f"^{told}") as raised:
        app.AsyncResult(given.id).get(timeout=1)
    assert type(raised.value).__name__ == "InvalidValue"
