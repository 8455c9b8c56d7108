"""Workers that run jobs which sleep, leaders, and followers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

import offload
from offload.models import Lease
from tests.acceptance.watching import only_on, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from offload import JobHandle
    from tests.acceptance.fleet import Fleet, Worker


def sleeper_on(fleet: Fleet, worker: Worker, duration: float) -> JobHandle:
    """Return a job that sleeps on this worker."""
    with only_on(worker, fleet):
        job = offload.submit("acc/sleep", {"seconds": duration})
        assert runner(fleet, job) is worker
    return job


def leader(fleet: Fleet) -> Worker:
    """Return the worker that leads."""
    names = {one.name: one for one in fleet.workers.values()}
    lease = eventually(
        lambda: Lease.objects.filter(holder__in=names, expires_at__gt=timezone.now()).first(),
        what="a leader",
    )
    return names[lease.holder]


def follower(fleet: Fleet) -> Worker:
    """Return a worker that does not lead."""
    leading = leader(fleet)
    return next(one for one in fleet.workers.values() if one is not leading)
