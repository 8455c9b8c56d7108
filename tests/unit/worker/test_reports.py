"""News in a worker's reports, and which of them wait for more."""

from __future__ import annotations

import pytest

from offload.core.placement.topology import Mode
from offload.worker.reports import Report

BEFORE = Report(mode=Mode.READY, concurrency=4, ended=7).news
HELD = frozenset({("a", 1), ("b", 1)})


@pytest.mark.parametrize(
    ("now", "urgent"),
    [
        # Half of the processes have their next job.
        ({"held": HELD}, False),
        ({"held": frozenset({("a", 1)})}, True),
        ({}, True),
        ({"held": HELD, "mode": Mode.DRAINING}, True),
        ({"held": HELD, "connections": 1}, True),
        ({"held": HELD, "lost": {("c", 1): ("crashed", "")}}, True),
        ({"held": HELD, "refused": {("c", 1): "dam.web"}}, True),
        ({"held": HELD, "stops": {("c", 1): True}}, True),
    ],
)
def test_ends_of_runs_wait_while_there_is_more_to_run(now: dict[str, object], urgent: bool) -> None:
    facts: dict[str, object] = {"mode": Mode.READY, "concurrency": 4, "ended": 8, **now}

    assert Report(**facts).is_urgent(BEFORE) is urgent  # type: ignore[arg-type]
