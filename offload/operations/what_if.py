"""The fates of waiting jobs under a change, by lanes, so that their number costs nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.admission.fates import Fate, LaneWait, Room, fates
from offload.core.placement.routing import plan
from offload.fleet.snapshots import now
from offload.tracking.binding import resource_use
from offload.tracking.binding.queue_limits import counted_use
from offload.tracking.queries import first_of, loads_by_instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.core.admission.resources import ResourceUse
    from offload.core.matching.amounts import Amounts
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo
    from offload.fleet.snapshots import Snapshot

#: Groups of jobs of one fate that are named, and jobs of each.
GROUPS_SHOWN, JOBS_SHOWN = 20, 3
ORDER = tuple(Fate)


@dataclass(frozen=True, slots=True, kw_only=True)
class FateLine:
    """Waiting jobs of one topic and queue that a change lets fare otherwise."""

    fate: Fate
    topic: str
    queue: str
    jobs: int
    #: Ids of the first ones.
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "fate": self.fate.value,
            "topic": self.topic,
            "queue": self.queue,
            "jobs": self.jobs,
            "examples": list(self.examples),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The waiting jobs at one moment, and the room for them."""

    waits: tuple[LaneWait, ...]
    room: Room


def look(lanes: Mapping[Lane, int], current: Snapshot) -> Waits:
    """Return the waiting jobs of lanes, and the room for them, under a snapshot."""
    queues = {lane.queue for lane in lanes}
    allowed = {name: counted_use(current.policy(name), now()) for name in sorted(queues)}
    uses, load = resource_use.read(), loads_by_instance()
    return Waits(
        waits=tuple(
            _wait(lane, jobs, current, uses, is_open=allowed[lane.queue].is_open)
            for lane, jobs in lanes.items()
        ),
        room=Room(
            instances={
                one.name: one.window - load.get(one.name, 0) for one in current.topology.everyone
            },
            queues={name: one.n for name, one in allowed.items() if one.n is not None},
            resources={
                name: one.resource.in_force(now()) - one.used
                for name, one in uses.items()
                if one.resource.per == "job"
            },
        ),
    )


def _wait(
    lane: Lane, jobs: int, current: Snapshot, uses: Mapping[str, ResourceUse], *, is_open: bool
) -> LaneWait:
    able = [one.instance for one in plan(current.need(lane), current.topology, now()).candidates]
    amounts = [current.amounts(lane, one) for one in able]
    least = min(amounts, key=len, default=None)
    return LaneWait(
        lane=str(lane),
        jobs=jobs,
        able=frozenset(one.name for one in able),
        queue=lane.queue,
        amounts=least,
        is_open=is_open and _is_free(least, able, uses),
    )


def _is_free(
    amounts: Amounts | None, able: Iterable[InstanceInfo], uses: Mapping[str, ResourceUse]
) -> bool:
    """Tell whether some host has room for a job that uses these amounts."""
    hosts = {one.host for one in able}
    return all(
        name in uses and any(uses[name].room(amount, host, now()) != 0 for host in hosts)
        for name, amount in (amounts.pairs if amounts else ())
    )


def compared(lanes: Mapping[Lane, int], before: Waits, after: Waits) -> tuple[FateLine, ...]:
    """Return the fates of waiting jobs by topic and queue, the worst first, with examples."""
    known = {str(lane): lane for lane in lanes}
    jobs: Counter[tuple[Fate, str, str]] = Counter()
    first: dict[tuple[Fate, str, str], Lane] = {}
    found = fates(before.waits, before.room, after.waits, after.room)
    for (text, fate), number in found.items():
        lane = known[text]
        key = fate, lane.topic, lane.queue
        jobs[key] += number
        first.setdefault(key, lane)
    ordered = sorted(jobs, key=lambda one: (ORDER.index(one[0]), -jobs[one], one[1:]))
    return tuple(
        FateLine(
            fate=key[0],
            topic=key[1],
            queue=key[2],
            jobs=jobs[key],
            examples=_examples(first[key]) if place < GROUPS_SHOWN else (),
        )
        for place, key in enumerate(ordered)
    )


def _examples(lane: Lane) -> tuple[str, ...]:
    return tuple(first_of(lane, JOBS_SHOWN))


def shown(lines: Sequence[FateLine]) -> Sequence[FateLine]:
    """Return those that are named."""
    return lines[:GROUPS_SHOWN]
