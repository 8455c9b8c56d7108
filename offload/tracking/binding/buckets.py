"""Token buckets of the queues that have a rate, counted by the database's clock (A7).

Who reads or takes tokens to bind holds the lock of the queue's row (B6). A job that is taken back
keeps its token: it may have begun elsewhere, and no more jobs may begin than the rate says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.db import database
from offload.db.statements import once_per_dialect
from offload.models import RateBucket

if TYPE_CHECKING:
    from offload.core.timing.rates import Rate

BUCKET = RateBucket._meta.db_table


def level(queue: str, rate: Rate) -> float | None:
    """Return the tokens that a queue has now; None if it has taken none yet."""
    found = database.rows(
        f"SELECT level, {database.seconds_since('at')} FROM {BUCKET} WHERE queue = %(queue)s",
        {"queue": queue},
    )
    return rate.level(float(found[0][0]), float(found[0][1])) if found else None


def take(queue: str, rate: Rate, count: int) -> None:
    """Take tokens for jobs that were bound."""
    database.execute(
        _taking(),
        {
            "queue": queue,
            "count": count,
            "full": float(rate.burst),
            "capacity": rate.capacity,
            "per_second": rate.per_second,
        },
    )


@once_per_dialect
def _taking() -> str:
    least, most = {"sqlite": ("min", "max")}.get(database.vendor(), ("least", "greatest"))
    since = f"{most}(0, {database.seconds_since(f'{BUCKET}.at')})"
    level_now = f"{least}(%(capacity)s, {BUCKET}.level + {since} * %(per_second)s)"
    return (
        f"INSERT INTO {BUCKET} (queue, level, at) "
        f"VALUES (%(queue)s, %(full)s - %(count)s, {database.now()}) "
        f"ON CONFLICT (queue) DO UPDATE SET level = {level_now} - %(count)s, at = {database.now()}"
    )


def drop(queues: list[str]) -> None:
    """Forget the tokens of queues that were removed."""
    RateBucket.objects.filter(queue__in=queues).delete()
