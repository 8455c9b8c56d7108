"""The leader's duties, in the order in which they begin; each is declared in its own room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.canvas import relays
from offload.dispatch import overdue, reserving
from offload.files import collection, delivering, retention
from offload.files.transfers import kept
from offload.fleet import departures
from offload.jobs import aftermath, async_completion
from offload.operations.changes import own_ends
from offload.peers import announcing, outboxes, silence
from offload.peers.travel import hosted_runs, moving
from offload.queues import policies, resources
from offload.runs import deciding, relocating

if TYPE_CHECKING:
    from offload.fleet.duties import Duty


def new_duties(*, with_peers: bool) -> tuple[Duty, ...]:
    """Return the duties of one leader; some remember where their last sweep ended.

    Each duty is a small query over rows, in a thread of its own.
    """
    return (
        departures.MOVE,
        departures.FORGET,
        relocating.duty(),
        overdue.EXPIRE,
        async_completion.TIME_OUT,
        deciding.DUE,
        overdue.RECALL,
        reserving.RESERVE,
        policies.LIMIT,
        resources.LIMIT,
        own_ends.SWITCHES,
        own_ends.RULES,
        aftermath.duty(),
        relays.duty(),
        delivering.DELIVER,
        retention.PURGE,
        collection.duty(),
        *(duties_of_peers() if with_peers else ()),
    )


def duties_of_peers() -> tuple[Duty, ...]:
    """Return those duties of one leader that a cluster has that knows peers, or knew some.

    Jobs may be bound to a cluster that the settings do not name any more.
    """
    return (
        announcing.duty(),
        silence.duty(),
        moving.MOVE,
        moving.RECALL,
        moving.END,
        hosted_runs.LEFT,
        outboxes.DRAIN,
        outboxes.REQUEST,
        outboxes.FORGET,
        outboxes.PURGE,
        moving.FORGET,
        kept.DUTY,
    )
