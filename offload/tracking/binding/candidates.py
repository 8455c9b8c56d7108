"""Waiting jobs of a queue among which its rules choose, found by a few index steps each.

Of each lane, the first jobs in order are looked at. Where these are all of keys that may get no
more, or where keys take turns, so are the first jobs of the next keys, however many wait before
them. So what it costs follows how many jobs are to be bound, not how many wait.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.conf import peers
from offload.core.admission.turns import QueueTurn, WaitingJob
from offload.db import database
from offload.tracking.binding.bindings import PREPARED_LANES
from offload.tracking.binding.candidate_sql import looking
from offload.tracking.peers.fitting import fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from offload.core.placement.lanes import Lane
    from offload.tracking.binding.bindings import Place

#: Lanes per statement, whose text is long.
LANES_PER_STATEMENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question for jobs of a queue that one place may have."""

    place: Place
    queue: str
    #: How many jobs are to be bound.
    limit: int
    #: How many first jobs of a lane, or keys of it, are looked at.
    rows: int
    #: How many jobs of one key may be bound, and the most that one gets in its turn.
    most_per_key: int
    heaviest: int = 1
    #: Whether only the first in line of each key may be bound.
    in_order: bool = False
    suspect: bool = False

    def params(self, lanes: Sequence[Lane]) -> dict[str, object]:
        """Return the parameters of a statement about these lanes."""
        return {
            "incarnation": self.place.incarnation,
            "instance": self.place.instance,
            "queue": self.queue,
            "limit": self.limit,
            "rows": self.rows,
            "most": min(self.limit, self.most_per_key),
            "heaviest": min(self.limit, self.heaviest),
            **{f"lane_{number}": str(lane) for number, lane in enumerate(lanes)},
        }

    @property
    def fit(self) -> str:
        """Return the condition that a job may go to the place."""
        return fits(remote=bool(self.place.peer), clones=bool(peers()))


class LookedAt(NamedTuple):
    """Candidates, and what was looked at."""

    candidates: list[WaitingJob]
    #: Whether a lane has more jobs, or keys, than were looked at.
    is_cut: bool = False
    #: The last key that was looked at in all lanes that have more; empty if none has.
    last_key: str = ""


def first_in_order(question: Question, lanes: Sequence[Lane]) -> LookedAt:
    """Return candidates among the first jobs of each lane, in the order of submission."""
    return _found(question, lanes, [False] * len(lanes), QueueTurn())


def of_next_keys(
    question: Question, lanes: Sequence[Lane], turn: QueueTurn, *, again: bool
) -> LookedAt:
    """Return the first jobs of the keys whose turn comes next; first ones of lanes without keys.

    ``again`` begins with the key that has the turn.
    """
    return _found(question, lanes, [lane.keyed for lane in lanes], turn, again=again)


def _found(
    question: Question,
    lanes: Sequence[Lane],
    by_keys: Sequence[bool],
    turn: QueueTurn,
    *,
    again: bool = False,
) -> LookedAt:
    parts = []
    for start in range(0, len(lanes), LANES_PER_STATEMENT):
        part = slice(start, start + LANES_PER_STATEMENT)
        sql = looking(
            tuple(by_keys[part]),
            question.fit,
            in_order=question.in_order,
            suspect=question.suspect,
            again=again,
        )
        params = question.params(lanes[part]) | ({"turn": turn.of} if any(by_keys[part]) else {})
        parts.append(
            _read(
                database.rows(sql, params, prepared=len(by_keys) <= PREPARED_LANES),
                question.rows,
                turn,
            )
        )
    last = [one.last_key for one in parts if one.last_key]
    return LookedAt(
        [job for one in parts for job in one.candidates],
        any(one.is_cut for one in parts),
        min(last, key=turn.distance, default=""),
    )


def _read(rows: Iterable[tuple[Any, ...]], most: int, turn: QueueTurn) -> LookedAt:
    """Return the rows of a statement; those without an id say what was looked at in a lane."""
    jobs: list[WaitingJob] = []
    keys: defaultdict[int, set[str]] = defaultdict(set)
    is_cut = False
    for number, job_id, topic, key, *facts in rows:
        if job_id is not None:
            jobs.append(WaitingJob(job_id, topic, key, *facts))
        if key is None:
            is_cut = is_cut or facts[0] >= most
        elif number < 0:
            keys[number].add(key)
    ends = (max(one, key=turn.distance) for one in keys.values() if len(one) >= most)
    last = min(ends, key=turn.distance, default="")
    return LookedAt(jobs, is_cut or bool(last), last)
