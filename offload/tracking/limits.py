"""Binding from queues with a limit or an order, under the lock of their row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import InternalError, OperationalError

from offload.core.placement.admission import UNUSED, Usage, admit
from offload.db import database
from offload.models import Job, Queue
from offload.models.indexes import BOUND, IN_LINE
from offload.tracking.bindings import BoundJob, Place, bind, not_excluded

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.placement.admission import Allowance
    from offload.core.placement.lanes import Lane
    from offload.core.policies import Policy

JOB = Job._meta.db_table
QUEUE = Queue._meta.db_table
QUEUE_LINE = f"queue = %(queue)s AND {IN_LINE}"
IN_ORDER = "ORDER BY priority DESC, created_at, id LIMIT 1"
#: The first in line (B6). What began stays first until it ends, whatever priority comes behind it
#: meanwhile: it is asked for apart, so that an index answers either question.
FIRST_IN_LINE = (
    "SELECT id FROM (SELECT 0 AS turn, id FROM "
    f"(SELECT id FROM {JOB} WHERE {QUEUE_LINE} AND attempts > 0 {IN_ORDER}) AS begun UNION ALL "
    f"SELECT 1, id FROM (SELECT id FROM {JOB} WHERE {QUEUE_LINE} {IN_ORDER}) AS next) AS line "
    "ORDER BY turn LIMIT 1"
)
#: How long a binder waits for the lock; who cannot have it leaves the work to the holder.
QUEUE_LOCK_TIMEOUT = "200ms"
#: How long the server waits for the next statement of a binder that holds it; its process may be
#: frozen, or cut off. Less than a rule waits for a binding.
IDLE_TIMEOUT = "1500ms"
#: PostgreSQL's code for a transaction that it ended for that.
IDLE_TIMEOUT_CODE = "25P03"


def bind_limited(
    place: Place, lane: Lane, policy: Policy, now: datetime, *, suspect: bool
) -> list[BoundJob]:
    """Bind from one lane of a limited or ordered queue; nothing while its lock is busy.

    A transaction of its own is ended by the server where this process stands still in it.
    """
    is_own = not database.in_transaction()
    try:
        with database.atomic():
            lock(policy.name, standstill=IDLE_TIMEOUT if is_own else None)
            return _bind(place, lane, policy.name, allowed(policy, now), suspect=suspect)
    except OperationalError:
        return []
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) != IDLE_TIMEOUT_CODE:
            raise
        return []


def _bind(
    place: Place, lane: Lane, queue: str, allowance: Allowance, *, suspect: bool
) -> list[BoundJob]:
    limit = allowance.up_to(place.window)
    if not allowance.in_order:
        return bind(place, [lane], limit=limit, suspect=suspect)
    head = _head(lane, queue, place.incarnation, suspect=suspect) if limit else None
    return bind(place, [lane], limit=limit, suspect=suspect, only=head) if head else []


def lock(queue: str, *, standstill: str | None = None) -> None:
    """Lock a queue's row: the first statement of whatever counts what is bound from it."""
    if database.vendor() == "postgresql":
        named = {
            "lock_timeout": QUEUE_LOCK_TIMEOUT,
            "idle_in_transaction_session_timeout": standstill,
        }
        given = [pair for pair in named.items() if pair[1] is not None]
        database.rows(
            f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(given))}",
            [value for pair in given for value in pair],
        )
    database.execute(f"UPDATE {QUEUE} SET name = name WHERE name = %s", [queue])


def allowed(policy: Policy, now: datetime) -> Allowance:
    """Return how many more jobs of a queue may be bound; they are counted where that matters."""
    most = admit(policy, UNUSED, now)
    if most.is_unlimited or not most.is_open:
        return most
    return admit(policy, usage_of(policy), now)


def usage_of(policy: Policy) -> Usage:
    """Return what the jobs of a queue take."""
    return Usage(bound=bound_in(policy.name))


def bound_in(queue: str) -> int:
    """Return how many jobs of a queue are bound or running."""
    found = database.rows(f"SELECT count(*) FROM {JOB} WHERE queue = %s AND {BOUND}", [queue])
    return int(found[0][0])


def _head(lane: Lane, queue: str, incarnation: str, *, suspect: bool) -> str | None:
    """Return the first job of an ordered queue, if it is in this lane and may be bound here.

    A head that waits for its retry, or was refused here, blocks those behind it; one that
    waits for other jobs does not, since these may be behind it.
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
