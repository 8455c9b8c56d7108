"""Jobs that are bound and not begun in time go to others that have room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from offload.dispatch import dispatching, overdue
from offload.models import Exclusion, Instance
from offload.tracking.binding.bindings import bind
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    age,
    bound,
    join,
    place,
    row,
    states,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from offload.fleet.leadership import Term


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_bound_too_long_moves_where_there_is_room(term: Term) -> None:
    late, young = bound()[0], bound()[0]
    age([late.id], "bound_at", seconds=11)
    overdue.recall(term)
    assert row(late.id).state == "QUEUED"
    join(THERE)

    overdue.recall(term)

    assert states([late.id, young.id]) == ["PENDING", "QUEUED"]


def test_a_job_taken_back_goes_to_another_and_counts_as_no_refusal(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE)
    overdue.recall(term)

    assert bind(place(), [LANE], limit=1) == []
    assert [job.id for job in bind(place(THERE), [LANE], limit=1)] == [late.id]
    assert (row(late.id).refusals, Instance.objects.get(pk=HERE).broken) == (0, [])
    assert Exclusion.objects.get().reason == "not begun in time; another has room"


def test_a_job_that_nobody_else_took_goes_back_after_a_while(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE)
    overdue.recall(term)
    Exclusion.objects.update(until=datetime.now(UTC) - timedelta(seconds=1))

    assert [job.id for job in bind(place(), [LANE], limit=1)] == [late.id]


def test_a_job_bound_too_long_stays_where_nobody_else_can_run_it(term: Term) -> None:
    late = bound()[0]
    age([late.id], "bound_at", seconds=11)
    join(THERE, consumers=[{"pattern": "billing/**", "task": "bill"}])

    overdue.recall(term)

    assert row(late.id).state == "QUEUED"


def test_due_jobs_are_released_and_bound_by_the_leader(term: Term) -> None:
    ids = waiting(delay=60)
    dispatching.bind_due()
    assert states(ids) == ["PENDING"]
    age(ids, "run_at", seconds=61)

    dispatching.bind_due()

    assert states(ids) == ["QUEUED"]
