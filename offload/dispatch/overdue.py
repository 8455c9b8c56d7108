"""Jobs that did not begin in time: they expire, or move to another instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.routing import plan
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.tracking import queries, requeue, terminations

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.core.placement.lanes import Lane
    from offload.fleet.leadership import Term

#: Jobs that expire in one transaction, and jobs recalled together.
EXPIRE_BATCH_JOBS, RECALL_BATCH_JOBS = 500, 100


def expire(term: Term) -> int:
    """End jobs that did not begin before they expired; return how many."""
    if not terminations.is_any_overdue():
        return 0
    with leading(term):
        return len(terminations.expire(EXPIRE_BATCH_JOBS))


def recall(term: Term) -> int:
    """Take back jobs that did not begin in time if another instance has room.

    Return how many had not begun in time.
    """
    late = queries.late_beside_room(settings().recall, RECALL_BATCH_JOBS)
    return for_each(late, lambda one: _reassign(term, *one))


def _reassign(term: Term, binding: Key, lane: Lane, instance: str) -> None:
    if _has_room_elsewhere(lane, instance):
        with leading(term):
            requeue.reassign(binding, reason="not begun in time; another has room")


def _has_room_elsewhere(lane: Lane, instance: str) -> bool:
    """Return whether another instance could begin a job of the lane now.

    A job stays in another cluster while moving away from there is switched off.
    """
    place = snapshot().topology.instance(instance)
    if place is not None and place.stays:
        return False
    load = queries.loads_by_instance()
    candidates = plan(snapshot().need(lane), snapshot().topology, now()).candidates
    others = [one.instance for one in candidates if one.instance.name != instance]
    return any(load.get(one.name, 0) < one.concurrency for one in others)


EXPIRE = Duty(name="expire", do=expire, every=1.0, needs_term=True, batch=EXPIRE_BATCH_JOBS)
RECALL = Duty(name="recall", do=recall, every=2.0, needs_term=True, batch=RECALL_BATCH_JOBS)
