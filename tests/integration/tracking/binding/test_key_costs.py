"""The cost of choosing by key among very many waiting jobs, beside that of jobs without keys."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from django.test.utils import CaptureQueriesContext

from offload.db import database
from offload.dispatch import dispatching
from offload.dispatch.submission import new_id
from offload.models import Job, Queue
from offload.tracking.drafts import Draft, insert
from tests.databases import on_postgresql
from tests.integration.tracking.binding.narrow import narrow
from tests.integration.world import HERE, TOPIC, join

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS, KEYS, ROUNDS = 100_000, 1_000, 40
#: How many times as much a job with limits and turns by key may cost to bind.
MOST_TIMES = 3


class Cost(NamedTuple):
    """The cost of binding one job."""

    seconds: float
    statements: float


@on_postgresql
@pytest.mark.long
@pytest.mark.parametrize(
    "facts",
    [
        {"fair": True, "max_per_key": 2},
        {"fair": True, "max_per_key": 2, "max_parallel": 100, "weights": {"k1": 3}},
        {"max_per_key": 2},
        {"type": "ordered_per_key"},
        {"type": "ordered_per_key", "fair": True},
    ],
)
def test_a_job_with_a_key_costs_at_most_three_times_as_much_to_bind(
    app: object, facts: dict[str, Any], record_property: Any
) -> None:
    join(HERE, concurrency=8)
    plain = _cost({})
    keyed = _cost(facts)

    times = keyed.seconds / plain.seconds, keyed.statements / plain.statements
    record_property("cost", f"{facts}: {plain} {keyed} {times}")
    assert max(times) <= MOST_TIMES


def _cost(facts: dict[str, Any]) -> Cost:
    """Return the cost of binding a window of jobs, of a hundred thousand that wait."""
    Job.objects.all().delete()
    narrow(**facts)
    insert([_draft(f"k{number % KEYS}" if facts else "") for number in range(JOBS)])
    database.execute("VACUUM ANALYZE")
    found = list(_rounds())
    Queue.objects.all().delete()
    return Cost(median(one.seconds for one in found), median(one.statements for one in found))


def _draft(key: str) -> Draft:
    return Draft(id=new_id(), topic=TOPIC, queue="narrow", key=key)


def _rounds() -> Iterator[Cost]:
    for _ in range(ROUNDS):
        begun = perf_counter()
        count = dispatching.refill(HERE)
        seconds = perf_counter() - begun
        Job.objects.bound().delete()
        with CaptureQueriesContext(database.connection()) as sent:
            counted = dispatching.refill(HERE)
        Job.objects.bound().delete()
        yield Cost(seconds / count, len(sent) / counted)
