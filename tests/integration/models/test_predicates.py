"""Predicates say the same in SQL and in querysets, of whatever rows there are."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from offload.core.placement.topology import Mode
from offload.core.states import Hold, JobState
from offload.db import database
from offload.models import Dependency, Instance, Job, Join, indexes
from offload.models.indexes import Predicate
from offload.models.instances import LIVES
from offload.models.joins import OPEN
from tests.arranging import arrange_all

JOB_PREDICATES = {
    name: value for name, value in vars(indexes).items() if isinstance(value, Predicate)
}


def _rows() -> list[Job]:
    """Return jobs of every state and hold, timed or not, handed over, sent or not."""
    now = timezone.now()
    found: list[Job] = []
    for state, hold, timed in product(JobState, Hold, (None, now)):
        facts: dict[str, Any] = {"state": state, "hold": hold, "run_at": timed}
        facts["finished_at"] = now if state.is_final else None
        if state in {JobState.QUEUED, JobState.ACTIVE}:
            facts |= {"instance": "a@b", "epoch": 1}
        for extra in ({}, {"bound_at": now}, {"publishes": 1}, {"handed_until": now}):
            found.append(Job(id=str(len(found)), topic="t", lane="l", **facts, **extra))
        found[-1].parent_id = "0"
        found[-4].key = "acme"
    return found


@pytest.fixture
def _jobs() -> None:
    arrange_all(_rows())


def _ids(table: str, key: str, predicate: Predicate) -> set[object]:
    text = f"SELECT {key} FROM {table} WHERE {predicate}"  # noqa: S608
    return {row[0] for row in database.rows(text)}


@pytest.mark.usefixtures("_jobs")
@pytest.mark.parametrize("name", JOB_PREDICATES)
def test_a_predicate_of_jobs_chooses_the_same_rows_both_ways(name: str) -> None:
    predicate = JOB_PREDICATES[name]
    chosen = set(Job.objects.filter(predicate.q).values_list("pk", flat=True))

    assert _ids(Job._meta.db_table, "id", predicate) == chosen
    assert 0 < len(chosen) < Job.objects.count()


def test_living_instances_are_the_same_both_ways() -> None:
    row: dict[str, Any] = dict.fromkeys(("joined", "pid", "concurrency", "window", "protocol"), 1)
    for mode in Mode:
        Instance.objects.create(name=mode, mode=mode, incarnation=mode, **row)

    living = set(Instance.objects.live().values_list("pk", flat=True))

    assert _ids(Instance._meta.db_table, "name", LIVES) == living == set(Mode) - {Mode.GONE}


def test_open_dependencies_are_the_same_both_ways() -> None:
    empty: dict[str, Any] = {"body": {}, "tree": []}
    join = Join.objects.create(id="j", **empty)
    for state in ("", "SUCCESS", "FAILURE"):
        Dependency.objects.create(join=join, needs=f"of {state}", state=state)

    waited = set(Dependency.objects.filter(OPEN.q).values_list("needs", flat=True))

    assert _ids(Dependency._meta.db_table, "needs", OPEN) == waited == {"of "}
