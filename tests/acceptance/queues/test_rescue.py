"""Jobs whose process or instance is lost, and where they run again, with real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.states import JobState
from offload.models import Attempt, Job
from tests.acceptance.watching import add_queue, ended, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_lost_jobs_run_elsewhere_or_at_the_same_instance_once_it_is_back(fleet: Fleet) -> None:
    fleet.need("a", "b")
    add_queue("away", ["acc/crash"], rescue="elsewhere")
    add_queue("back", ["acc/sleep"], rescue="same")

    crashed = ended(offload.submit("acc/crash", {"times": 1}, retry_delay=0))

    assert crashed.state == JobState.SUCCEEDED
    lost = Attempt.objects.get(job_id=crashed.pk)
    assert crashed.instance != lost.instance

    job = offload.submit("acc/sleep", {"seconds": 2})
    victim = runner(fleet, job)
    victim.kill()
    eventually(lambda: "back=" in Job.objects.get(pk=job.id).lane, what="the loss of its run")
    assert "waits for it until" in offload.explain(job).sentence
    fleet.start(next(key for key, one in fleet.workers.items() if one is victim))

    row = ended(job, within=120)
    assert (row.state, row.instance, row.attempts) == (JobState.SUCCEEDED, victim.name, 2)
