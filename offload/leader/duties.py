"""The leader's duties, in the order in which they begin; each is declared in its own room."""

from __future__ import annotations

from offload.canvas import relays
from offload.dispatch import dispatching, unbegun
from offload.files import retention
from offload.fleet import departures
from offload.jobs import aftermath, async_completion
from offload.queues import policies

#: Small queries over rows, each in a thread of its own.
DUTIES = (
    departures.MOVE,
    dispatching.BIND,
    unbegun.EXPIRE,
    async_completion.TIME_OUT,
    unbegun.RECALL,
    policies.LIMIT,
    aftermath.CONCLUDE,
    relays.RELAY,
    retention.PURGE,
)
