"""Binding jobs of limited and ordered queues, under the lock of the queue's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.admission.admission import UNLIMITED, admit
from offload.core.admission.gates import UNUSED, Usage
from offload.db import database
from offload.models import Job
from offload.models.indexes import BOUND, IN_LINE, IN_ORDER
from offload.tracking.binding import buckets
from offload.tracking.binding.bindings import BoundJob, Place, bind
from offload.tracking.binding.queue_locks import under_lock
from offload.tracking.binding.waiting_heads import heads
from offload.tracking.peers.fitting import not_excluded

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.admission.admission import Allowance
    from offload.core.placement.lanes import Lane
    from offload.core.policies import Policy

JOB = Job._meta.db_table
QUEUE_LINE = f"queue = %(queue)s AND {IN_LINE}"
#: The first in line (B6). A begun job stays first until it ends, whatever priority comes later. It
#: is selected separately, so that an index serves each part.
FIRST_IN_LINE = (
    "SELECT id FROM (SELECT 0 AS turn, id FROM "
    f"(SELECT id FROM {JOB} WHERE {QUEUE_LINE} AND attempts > 0 {IN_ORDER} LIMIT 1) AS begun "
    "UNION ALL SELECT 1, id FROM "
    f"(SELECT id FROM {JOB} WHERE {QUEUE_LINE} {IN_ORDER} LIMIT 1) AS next) AS line "
    "ORDER BY turn LIMIT 1"
)


def bind_limited(
    place: Place,
    lane: Lane,
    policy: Policy,
    now: datetime,
    *,
    suspect: bool,
    most: int | None = None,
) -> list[BoundJob]:
    """Bind jobs of one lane of a limited or ordered queue; nothing while its lock is busy.

    ``most`` is how many may be bound at most, or None.
    """
    window = place.window if most is None else min(place.window, most)

    def act(_: object) -> list[BoundJob]:
        bound = _bind(place, lane, policy, allowed(policy, now), window, suspect=suspect)
        if bound and policy.rate:
            buckets.take(policy.name, policy.rate, len(bound))
        return bound

    return under_lock(policy.name, act)


def _bind(
    place: Place, lane: Lane, policy: Policy, allowance: Allowance, most: int, *, suspect: bool
) -> list[BoundJob]:
    limit = allowance.up_to(most)
    if not allowance.in_order:
        ageing = None if suspect or limit < 1 else policy.ageing
        return bind(place, heads(lane, ageing), limit=limit, suspect=suspect)
    head = _head(lane, policy.name, place.incarnation, suspect=suspect) if limit else None
    return bind(place, [lane], limit=limit, suspect=suspect, only=head) if head else []


def allowed(policy: Policy, now: datetime) -> Allowance:
    """Return how many more jobs of a queue may be bound; count its jobs only if necessary."""
    most = admit(policy, UNUSED, now)
    if most.n is None or not most.is_open:
        return most
    return admit(policy, usage_of(policy), now)


def counted_use(policy: Policy, now: datetime) -> Allowance:
    """Return how many more jobs of a queue may be bound, with what each gate has counted."""
    return UNLIMITED if policy.is_plain else admit(policy, usage_of(policy), now)


def usage_of(policy: Policy) -> Usage:
    """Return the capacity that a queue's jobs take."""
    rate, name = policy.rate, policy.name
    counts = policy.limit is not None or policy.suspended or policy.windows is not None
    return Usage(
        bound=bound_in(name) if counts else 0, tokens=buckets.level(name, rate) if rate else None
    )


def bound_in(queue: str) -> int:
    """Return how many jobs of a queue are bound or running."""
    found = database.rows(
        f"SELECT count(*) FROM {JOB} WHERE queue = %(queue)s AND {BOUND}", {"queue": queue}
    )
    return int(found[0][0])


def _head(lane: Lane, queue: str, incarnation: str, *, suspect: bool) -> str | None:
    """Return the first job of an ordered queue, if it is in this lane and may be bound here.

    A head that waits for its retry, or was refused here, blocks those behind it. One that waits for
    other jobs does not, because these may be behind it.
    """
    found = database.rows(
        f"SELECT id, lane, run_at IS NULL AND hold = %(hold)s AND {not_excluded()} "
        f"FROM {JOB} WHERE id = ({FIRST_IN_LINE})",
        {
            "hold": "suspect" if suspect else "",
            "incarnation": incarnation,
            "queue": queue,
        },
    )
    mine = [row[0] for row in found if row[1] == str(lane) and row[2]]
    return str(mine[0]) if mine else None


def head_of(queue: str) -> str | None:
    """Return the id of the job that an ordered queue binds next, or None."""
    found = database.rows(FIRST_IN_LINE, {"queue": queue})
    return str(found[0][0]) if found else None
