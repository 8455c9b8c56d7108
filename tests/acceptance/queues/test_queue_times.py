"""Queues with a rate and with lost runs that are over, with a real worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

import offload
from offload.core.states import JobState
from offload.models import Job
from tests.acceptance.watching import add_queue, began, ended, happened, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

COUNT, PER_SECOND, BURST = 80, 10, 10


def test_a_rate_is_kept_and_reached_and_a_lost_run_that_must_not_come_again_is_over(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")
    add_queue("metered", ["acc/quick"], rate="600/m")
    add_queue("once", ["acc/sleep"], rerun=False)
    once = offload.submit("acc/sleep", {"seconds": 60})
    victim = runner(fleet, once)
    submitted = timezone.now()
    jobs = offload.submit_many("acc/quick", [{}] * COUNT)

    victim.kill()
    lost = ended(once)
    last = Job.objects.ids([job.id for job in jobs]).exclude(state=JobState.SUCCEEDED)
    eventually(lambda: not last.exists(), what="all metered jobs", within=120)

    assert lost.state == JobState.ERROR
    assert "does not run again by itself" in lost.error
    assert happened(once) == ["start"]
    # The burst and one second's worth come before; then ten per second.
    begun = max(began(job.row) for job in jobs)
    took = (begun - submitted).total_seconds()
    assert took >= (COUNT - BURST - PER_SECOND) / PER_SECOND
