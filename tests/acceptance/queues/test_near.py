"""Jobs that go where another one was, and one job per host, with real workers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import offload
from tests.acceptance.watching import add_queue, all_ended, began, ended

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_jobs_go_to_the_instance_of_another_one_and_one_at_a_time_runs_on_a_host(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")
    add_queue("alone", ["acc/sleep"], max_per_host=1)
    first = ended(offload.submit("acc/quick"))

    near = offload.submit_many("acc/quick", [{}] * 4, near=first.pk, near_wait=60)
    offload.submit_many("acc/sleep", [{"seconds": 0.3}] * 5)

    assert {ended(job).instance for job in near} == {first.instance}
    rows = sorted(all_ended("acc/sleep", 5), key=began)
    assert all(one.finished_at and one.finished_at <= began(two) for one, two in pairwise(rows))
