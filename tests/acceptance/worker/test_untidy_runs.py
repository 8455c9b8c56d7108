"""Runs that leave their process in disorder, and the runs after them in the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from offload.models import Payload
from tests.acceptance.site.journal import events
from tests.acceptance.watching import add_queue, ended

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

#: The disorder of a run, and the outcome of its job.
UNTIDY = {
    "block": "OpenTransaction",
    "autocommit": "OpenTransaction",
    "setting": "",
    "cancelled": "CancelledError",
}


@pytest.mark.on("sqlite+valkey", "postgresql+redis")
def test_no_run_finds_what_another_left_in_its_process(fleet: Fleet) -> None:
    fleet.need()
    fleet.start("c", concurrency=1)
    add_queue("strict", ["acc/untidy"], retries=0)

    jobs = {what: offload.submit("acc/untidy", {"what": what}) for what in UNTIDY}
    others = offload.submit_many("acc/quick", [{"value": 1}, {"value": 2}])

    rows = {what: ended(job) for what, job in jobs.items()}
    found = {what: row.error_type.rpartition(".")[2] for what, row in rows.items()}
    assert found == UNTIDY
    assert {row.crashes for row in rows.values()} == {0}
    assert [ended(other).state for other in others] == [JobState.SUCCEEDED] * 2
    assert {other.row.attempts for other in others} == {1}
    # One process ran all of them, and committed nothing that a run had not.
    assert len({one.pid for one in events()}) == 1
    assert not Payload.objects.exists()
