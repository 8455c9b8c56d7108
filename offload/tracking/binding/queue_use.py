"""Counts of a queue's bound jobs: by key, by instance, and in one window."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.db.statements import Statement
from offload.models import Job
from offload.models.indexes import BOUND
from offload.tracking.selectors import HERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from offload.tracking.binding.bindings import Place

JOB = Job._meta.db_table
BY_KEY = (
    f"SELECT instance, key, count(*) FROM {JOB} WHERE queue = %(queue)s AND {BOUND} "
    "GROUP BY instance, key"
)
#: The last row is the window, which jobs of other queues fill too.
WITH_WINDOW = f"{BY_KEY} UNION ALL SELECT NULL, NULL, count(*) FROM {JOB} WHERE {HERE} AND {BOUND}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueUse:
    """How many jobs of a queue are bound or run."""

    total: int
    by_key: Mapping[str, int]
    by_instance: Mapping[str, int]
    #: Of all queues, at the place that was asked about.
    window: int = 0

    def full_keys(self, limit: int | None) -> int:
        """Return how many keys may get no more."""
        if limit is None:
            return 0
        return sum(1 for key, count in self.by_key.items() if key and count >= limit)


def question(queue: str, place: Place) -> Statement:
    """Return the statement whose rows ``read`` reads."""
    params = {
        "queue": queue,
        "instance": place.instance,
        "incarnation": place.incarnation,
    }
    return Statement(WITH_WINDOW, params)


def of(queue: str) -> QueueUse:
    """Count the bound jobs of a queue."""
    return read(Statement(BY_KEY, {"queue": queue}).rows())


def read(rows: Iterable[tuple[Any, ...]]) -> QueueUse:
    """Return the rows of a question as a value."""
    by_key: Counter[str] = Counter()
    by_instance: Counter[str] = Counter()
    window = 0
    for instance, key, count in rows:
        if key is None:
            window = int(count)
        else:
            by_key[key] += int(count)
            by_instance[instance] += int(count)
    return QueueUse(total=by_key.total(), by_key=by_key, by_instance=by_instance, window=window)
