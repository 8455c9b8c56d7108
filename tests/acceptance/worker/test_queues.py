"""Workers with options for Celery's queues: `-Q` and `-X`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import offload
from tests.acceptance.site import tasks
from tests.acceptance.site.journal import events
from tests.acceptance.watching import ended, only_on

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_workers_take_their_own_queue_whatever_queues_they_are_given_or_denied(
    fleet: Fleet, site: Any
) -> None:
    fleet.need()
    usual = site.conf.task_default_queue
    other = f"{usual}-other"
    given = fleet.start("c", options=("-Q", other), wait=False)
    denied = fleet.start("d", options=("-X", usual), wait=False)
    for worker in (given, denied):
        worker.await_ready()
    left = tasks.plain.delay("for neither")

    assert tasks.add.apply_async((1, 2), queue=other).get(timeout=30) == 3
    for worker in (given, denied):
        with only_on(worker, fleet):
            assert ended(offload.submit("acc/quick")).instance == worker.name

    assert events(left.id) == []
    fleet.start("a")
    assert left.get(timeout=30) == "for neither"
