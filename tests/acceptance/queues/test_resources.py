"""Resources with real workers: never more in use than there is, and a denial that costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.states import JobState
from offload.models import Attempt, Job
from offload.queues import resources
from tests.acceptance.queues.test_queue_kinds import done, levels
from tests.acceptance.watching import began, ended, happened

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_a_resource_is_used_and_never_exceeded_and_a_denial_is_no_failure(fleet: Fleet) -> None:
    fleet.need("a", "b")
    resources.set_("maya", capacity=2)
    denied = offload.submit("acc/flaky", {"times": 1, "denied": "maya"}, resources={"maya": 1})
    assert ended(denied).state == JobState.SUCCEEDED
    attempt = Attempt.objects.get()
    assert (attempt.cause, denied.row.failures, happened(denied)) == ("denied", 0, ["start"] * 2)
    assert (began(denied.row) - attempt.ended_at).total_seconds() > 0.9

    for at in range(16):
        uses = {"maya": 1} if at < 12 else {"maya": 2}
        offload.submit("acc/sleep", {"seconds": 0.1}, resources=uses)

    rows = done(17)[1:]
    assert levels(rows) == {0, 1, 2}
    large = rows[12:]
    assert (len(large), levels(large)) == (4, {0, 1})
    assert Job.objects.exclude(state=JobState.SUCCEEDED).count() == 0
