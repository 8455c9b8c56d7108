"""Children of a job are found by their index."""

from __future__ import annotations

import pytest

from offload.db import database
from offload.results import result_backend
from tests.integration.world import join


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_what_follows_an_end_is_found_by_an_index() -> None:
    explain = "EXPLAIN QUERY PLAN " if database.vendor() == "sqlite" else "EXPLAIN "
    with database.atomic():
        if database.vendor() == "postgresql":
            database.execute("SET LOCAL enable_seqscan = off")
        plan = database.rows(explain + result_backend.CHILDREN_SQL, {"parent": "parent"})

    assert "offload_job_children" in str(plan)
