"""Jobs that are not begun in their time: others get them, or nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.routing import plan
from offload.fleet.duties import Duty
from offload.fleet.each import each
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.tracking import queries, requeue, terminations

if TYPE_CHECKING:
    from offload.core.placement.lanes import Lane
    from offload.fleet.leadership import Term

#: Jobs that expire in one transaction, and those looked at together for another instance.
EXPIRE_BATCH_JOBS, RECALL_BATCH_JOBS = 500, 100


def expire(term: Term) -> int:
    """End jobs that were not begun in their time; return how many."""
    if not terminations.is_any_overdue():
        return 0
    with leading(term):
        return len(terminations.expire(EXPIRE_BATCH_JOBS))


def recall(term: Term) -> int:
    """Take back jobs bound too long without being begun while another instance has room.

    Return how many were bound that long.
    """
    late = queries.late_beside_room(settings().recall, RECALL_BATCH_JOBS)
    return each(late, lambda one: _hand_on(term, *one))


def _hand_on(term: Term, job_id: str, epoch: int, lane: Lane, instance: str) -> None:
    if _has_room_elsewhere(lane, instance):
        with leading(term):
            requeue.hand_on(job_id, epoch, reason="not begun in time; another has room")


def _has_room_elsewhere(lane: Lane, instance: str) -> bool:
    """Return whether an instance other than this one could begin a job of the lane now."""
    load = queries.loads_by_instance()
    candidates = plan(lane.need, snapshot().topology, now()).candidates
    others = [one.instance for one in candidates if one.instance.name != instance]
    return any(load.get(one.name, 0) < one.concurrency for one in others)


EXPIRE = Duty(name="expire", do=expire, every=1.0, needs_term=True, batch=EXPIRE_BATCH_JOBS)
RECALL = Duty(name="recall", do=recall, every=2.0, needs_term=True, batch=RECALL_BATCH_JOBS)
