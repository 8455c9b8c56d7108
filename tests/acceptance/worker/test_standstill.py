"""Workers of which only the parent process is frozen."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import offload
from offload.core.placement.topology import Mode
from tests.acceptance.watching import ended, only_on
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_a_worker_whose_parent_stands_still_gets_no_jobs_until_it_goes_on(fleet: Fleet) -> None:
    worker, other = fleet.need("a", "b")

    worker.send(signal.SIGSTOP)
    eventually(lambda: worker.row.mode == Mode.SUSPECT, what="it is suspect")
    meanwhile = [ended(job) for job in offload.submit_many("acc/quick", [{"value": 1}] * 12)]
    worker.send(signal.SIGCONT)

    # Bound once each: none went to the one that stands still, and was taken back.
    assert {(row.instance, row.epoch) for row in meanwhile} == {(other.name, 1)}
    eventually(lambda: worker.row.mode == Mode.READY, what="it takes work again")
    with only_on(worker, fleet):
        assert ended(offload.submit("acc/quick", {"value": 2})).instance == worker.name
