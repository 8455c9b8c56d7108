"""Preferences, and what is required after a failure, with real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.states import JobState
from offload.models import Job
from tests.acceptance.site.properties import file
from tests.acceptance.watching import all_ended, ended
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

SITE = {"ACCEPTANCE_PROPERTIES": "1", "OFFLOAD_LABELS": "gpu"}


def test_jobs_go_where_they_would_rather_run_and_require_more_after_the_kernel_killed_one(
    fleet: Fleet,
) -> None:
    [plain] = fleet.need("a")
    file().write_text("3")
    fast = fleet.start("gpu", variables=SITE)
    eventually(lambda: fast.row.facts.get("gpus") == 3, what="its property")

    wish = [({"labels": ["gpu"]}, 5)]
    offload.submit_many("acc/sleep", [{"seconds": 0.5}] * (fast.row.window + 2), prefers=wish)
    killed = offload.submit(
        "acc/crash", {"times": 1}, requires={"gpus": {">=": 2}}, retry_with={"gpus": 2}
    )

    slept = all_ended("acc/sleep", fast.row.window + 2)
    where = [one.instance for one in sorted(slept, key=lambda one: (one.started_at, one.pk))]
    assert where.count(fast.name) >= fast.row.window
    assert where.count(plain.name) <= 2
    assert ended(killed).state == JobState.SUCCEEDED
    row = Job.objects.get(pk=killed.id)
    assert (row.instance, row.crashes) == (fast.name, 1)
    found = offload.explain(killed)
    assert [one.sentence for one in found.raised] == [
        "gpus was raised from 2 to 3: attempt 1 ran out of memory."
    ]
    assert found.requires.given == {"gpus": {">=": 3}}
