"""The type of an error, as events of attempts tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.signals import StateChange, job_changed
from offload.tracking import finishing
from tests.integration.world import BROKE, join, running

if TYPE_CHECKING:
    from collections.abc import Iterator

AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")


@pytest.fixture
def events() -> Iterator[list[StateChange]]:
    """Return the events of jobs that were sent."""
    join()
    found: list[StateChange] = []

    def note(*, event: StateChange, **_: object) -> None:
        found.append(event)

    job_changed.connect(note, dispatch_uid="tests.error_types")
    yield found
    job_changed.disconnect(dispatch_uid="tests.error_types")


def test_a_failed_attempt_that_is_retried_says_the_type_of_its_error_and_no_other_change_does(
    events: list[StateChange],
) -> None:
    run = running()

    finishing.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED)

    assert [(one.new, one.error_type) for one in events] == [
        ("QUEUED", None),
        ("ACTIVE", None),
        ("PENDING", f"{BROKE.module}.{BROKE.type}"),
    ]
