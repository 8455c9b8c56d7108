"""A site's settings of its database connections, as its workers take them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.states import JobState
from offload.db.preparing import PREPARE_AFTER_RUNS
from tests.acceptance.watching import ended

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

SETTINGS: dict[str, dict[str, Any]] = {
    "closed after a request": {"CONN_MAX_AGE": 0},
    "behind a pooler": {"CONN_MAX_AGE": None, "DISABLE_SERVER_SIDE_CURSORS": True},
}


@pytest.mark.on("postgresql+redis")
@pytest.mark.parametrize("kind", SETTINGS)
def test_a_worker_keeps_its_connection_and_prepares_nothing_behind_a_pooler(
    fleet: Fleet, place: Place, kind: str
) -> None:
    fleet.need()
    database = json.dumps({**place.database, **SETTINGS[kind]})
    # A process that claims and ends by itself uses its connection for each job.
    alone = {"ACCEPTANCE_OFFLOAD": json.dumps({"GROUPS": False})}
    fleet.start("c", concurrency=1, variables={"ACCEPTANCE_DATABASE": database, **alone})

    first = offload.submit("acc/session").result(60)
    jobs = offload.submit_many("acc/quick", [{"value": 1}] * (PREPARE_AFTER_RUNS + 3))
    rows = [ended(job) for job in jobs]
    last = offload.submit("acc/session").result(60)

    assert {(row.state, row.attempts) for row in rows} == {(JobState.SUCCEEDED, 1)}
    assert last["process"] == first["process"]
    assert (last["prepared"] == 0) == (kind == "behind a pooler")
