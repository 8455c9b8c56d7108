"""Which queue a job goes to with real workers: what Sling's tests of topics ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.states import JobState
from offload.models import Job, Queue
from offload.queues import policies
from tests.acceptance.watching import add_queue, ended

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def queues(*topics: str) -> list[str]:
    """Run a job of each topic; return the queues that they ran in."""
    rows = [ended(offload.submit(one)) for one in topics]
    assert all(row.attempts == 1 for row in rows)
    return [row.queue for row in rows]


def test_ranking_comes_first_then_the_most_specific_topic_and_the_rest_falls_back(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")
    add_queue("deep", ["acc/**"], max_parallel=2)
    add_queue("flat", ["other", "acc/*"], type="ordered")
    add_queue("exact", ["acc/quick"], rate="100/s")
    assert queues("acc/quick", "acc/whoami", "acc/boom/quietly") == ["exact", "flat", "deep"]

    first = add_queue("first", ["**"], ranking=5, suspended=True)
    waits = offload.submit("acc/quick")
    assert (waits.row.queue, waits.row.state) == ("first", JobState.PENDING)

    policies.change(first, suspended=False)
    assert ended(waits).state == JobState.SUCCEEDED
    assert queues("acc/whoami") == ["first"]

    policies.change(first, ranking=-5)
    assert queues("acc/quick", "acc/whoami") == ["exact", "flat"]
    policies.remove(Queue.objects.exclude(name="exact"))
    assert queues("acc/quick", "acc/whoami") == ["exact", "default"]
    assert not Job.objects.unfinished().exists()
