"""Queues in which waiting counts as priority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError

from offload.core.placement.lanes import Lane
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Queue
from offload.tracking.binding.bindings import bind
from offload.tracking.binding.waiting_heads import PRIORITIES_MAX, heads
from tests.integration.tracking.binding.narrow import LANE, bind_one, narrow
from tests.integration.world import age, join, place, row, statements, states, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(concurrency=4)


def _waiting(priority: int, seconds: float, **facts: Any) -> str:
    [job_id] = waiting(priority=priority, **{"queue": "narrow", **facts})
    age([job_id], "created_at", seconds=seconds)
    return job_id


def _bound_in_turn(count: int, ageing: float) -> list[str]:
    """Return the jobs in the order in which they are bound one by one."""
    found: list[str] = []
    for number in range(count):
        at = place(window=number + 1)
        found += [job.id for job in bind(at, heads(LANE, ageing), limit=1)]
    return found


def test_jobs_are_bound_by_priority_and_waiting_together() -> None:
    """Against the order that the formula gives."""
    narrow()
    jobs = {
        _waiting(priority, seconds): priority + seconds / 60
        for priority, seconds in (
            (0, 10), (9, 1), (0, 900), (5, 200), (9, 100), (0, 520), (3, 420), (-4, 1_000), (5, 90),
        )
    }  # fmt: skip
    expected = sorted(jobs, key=lambda one: -jobs[one])

    assert _bound_in_turn(len(jobs), 60.0) == expected


def test_several_at_once_are_the_first_of_all_priorities() -> None:
    narrow()
    ids = [_waiting(0, 1_000), _waiting(9, 0), _waiting(9, 0), _waiting(5, 700), _waiting(0, 5)]

    found = bind(place(window=3), heads(LANE, 60.0), limit=3)

    assert {job.id for job in found} == {ids[0], ids[3], ids[1]}


@pytest.mark.parametrize("facts", [{}, {"max_parallel": 2}, {"rate": "3600/h"}])
@pytest.mark.parametrize(("ageing", "first"), [(None, 1), (60.0, 0), (600.0, 1)])
def test_it_counts_with_every_kind_of_queue_and_a_change_acts_at_once(
    facts: dict[str, Any], ageing: float | None, first: int
) -> None:
    narrow(**facts)
    ids = [_waiting(0, 900), _waiting(9, 0)]
    Instance.objects.update(window=1)
    queue = Queue.objects.get()
    queue.ageing = ageing
    queue.save()

    snapshot(fresh=True)
    dispatching.sweep()

    assert _queued(ids)[:1] == [ids[first]]


def _queued(ids: Sequence[str]) -> list[str]:
    return [one for one, state in zip(ids, states(ids), strict=True) if state == "QUEUED"]


def test_it_counts_against_the_jobs_of_other_queues() -> None:
    narrow(ageing=60)
    Queue.objects.create(name="other", topics=["audio/**"])
    plain = _waiting(9, 900, queue="other")
    old, young = _waiting(0, 900), _waiting(0, 0)

    lines = [*heads(LANE, 60.0), *heads(Lane.parse(row(plain).lane), None)]

    assert [job.id for job in bind(place(window=1), lines, limit=1)] == [old]
    assert [job.id for job in bind(place(window=2), lines, limit=1)] == [plain]
    assert states([young]) == ["PENDING"]


def test_a_queue_without_ageing_costs_no_statement_more() -> None:
    with statements() as found:
        assert len(heads(LANE, None)) == 1
    assert found == []


def test_no_more_priorities_are_looked_at_than_a_statement_can_take() -> None:
    narrow(ageing=60)
    for priority in range(PRIORITIES_MAX + 5):
        waiting(queue="narrow", priority=priority)

    found = [one.priority for one in heads(LANE, 60.0)]

    assert found == list(range(PRIORITIES_MAX + 4, 4, -1))
    assert len(bind_one()) == place().window


def test_an_ordered_queue_has_no_ageing() -> None:
    queue = Queue(name="q", topics=["a"], type="ordered", ageing=60)

    with pytest.raises(ValidationError, match="An ordered queue runs in order"):
        queue.full_clean()
