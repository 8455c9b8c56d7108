"""Binding the jobs that a queue's rules by key, by topic or by instance choose (B6a)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.admission.admission import admit
from offload.core.admission.gates import Usage
from offload.core.admission.turns import Choice, QueueTurn, choose
from offload.core.matching.job_keys import WEIGHT_MOST
from offload.core.policies import QueueType, TurnsBy
from offload.db import database
from offload.db.statements import (
    Statement,
    named,
    numbered,
    once_per_dialect,
    placeholders,
)
from offload.models import Queue
from offload.models.indexes import PENDING, WAITING, WAITING_SUSPECT
from offload.tracking.binding import buckets, queue_use, slots
from offload.tracking.binding.bindings import (
    BOUND_COLUMNS,
    JOB,
    UNMOVED,
    alone,
    binding,
    read_bound,
)
from offload.tracking.binding.candidates import Question, first_in_order, of_next_keys
from offload.tracking.binding.queue_locks import under_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from offload.core.admission.turns import WaitingJob
    from offload.core.placement.lanes import Lane
    from offload.core.policies import Policy
    from offload.tracking.binding.bindings import BoundJob, Place
    from offload.tracking.binding.queue_use import QueueUse

QUEUE = Queue._meta.db_table
#: First jobs of a lane that are looked at for each that may be bound, and at least.
ROWS_PER_JOB, ROWS_LEAST = 4, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHere:
    """How many jobs of a queue some instances may have together: those of a host, or one alone."""

    most: int
    names: Collection[str]

    def room(self, use: QueueUse) -> int:
        """Return how many more they may get."""
        return self.most - sum(use.by_instance.get(one, 0) for one in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Chooses jobs of a queue for a place, whose slot row and whose queue's row are locked."""

    place: Place
    lanes: Sequence[Lane]
    policy: Policy
    use: QueueUse
    limit: int
    turn: QueueTurn
    suspect: bool = False

    @property
    def choice(self) -> Choice:
        """Return the rules."""
        return Choice(
            by=self.policy.turns_by,
            most_per_key=self.policy.limit_per_key,
            weights=self.policy.keys.weight_of,
        )

    def chosen(self) -> tuple[list[WaitingJob], QueueTurn]:
        """Return the jobs to bind, and whose turn it is then."""
        if self.policy.turns_by is TurnsBy.KEYS and not self.suspect:
            return self._of_next_keys([])
        found = first_in_order(self._question(self._rows), self.lanes)
        jobs, turn = self._choose(found.candidates)
        if len(jobs) < self.limit and found.is_cut and self.policy.limit_per_key:
            # Those in front are of keys that get no more: how many there are costs nothing then.
            return self._of_next_keys(found.candidates)
        return jobs, turn

    def _of_next_keys(self, known: Sequence[WaitingJob]) -> tuple[list[WaitingJob], QueueTurn]:
        rows = self.limit * (2 if self._in_order else 1)
        rows += self.use.full_keys(self.policy.limit_per_key)
        again = not self.turn.is_over(self.choice.weights)
        found = of_next_keys(self._question(rows), self.lanes, self.turn, again=again)
        jobs, after = self._choose({*known, *found.candidates})
        if self.policy.turns_by is TurnsBy.TOPICS or not found.last_key:
            return jobs, after
        if self.policy.turns_by is TurnsBy.KEYS and jobs:
            return jobs, after
        # The next keys are looked at next time, in case nothing of these may be bound for long.
        return jobs, QueueTurn(of=found.last_key, taken=WEIGHT_MOST)

    def _choose(self, found: Iterable[WaitingJob]) -> tuple[list[WaitingJob], QueueTurn]:
        return choose(found, self.choice, limit=self.limit, bound=self.use.by_key, turn=self.turn)

    @property
    def _in_order(self) -> bool:
        return self.policy.type is QueueType.ORDERED_PER_KEY

    @property
    def _rows(self) -> int:
        if self.policy.limit_per_key is None:
            return self.limit
        return max(ROWS_LEAST, self.limit * ROWS_PER_JOB)

    def _question(self, rows: int) -> Question:
        weights = self.choice.weights.values()
        return Question(
            place=self.place,
            queue=self.policy.name,
            limit=self.limit,
            rows=rows,
            most_per_key=self.policy.limit_per_key or self.limit,
            heaviest=max(weights, default=1),
            in_order=self._in_order,
            suspect=self.suspect,
        )


def bind_chosen(
    place: Place,
    lanes: Sequence[Lane],
    policy: Policy,
    now: datetime,
    *,
    here: Sequence[LimitHere] = (),
    suspect: bool,
    most: int | None = None,
) -> list[BoundJob]:
    """Bind jobs of these lanes of one queue as its rules choose them; nothing while it is locked.

    ``here`` are the queue's limits for the instance and its host; ``most`` is how many are bound
    at most. ``suspect`` binds one suspect of a crash instead.
    """

    def bind(turn: QueueTurn) -> list[BoundJob]:
        use = _use(place, policy.name)
        limit = min([_room(use, place, policy, now), *(one.room(use) for one in here)])
        limit = limit if most is None else min(limit, most)
        if limit < 1:
            return []
        chooser = Chooser(
            place=place, lanes=lanes, policy=policy, use=use, turn=turn,
            limit=1 if suspect else limit, suspect=suspect,
        )  # fmt: skip
        jobs, after = chooser.chosen()
        found = _take(place, [job.id for job in jobs], suspect=suspect) if jobs else []
        if after != turn and (found or not jobs):
            _note(policy.name, after)
        if found and policy.rate:
            buckets.take(policy.name, policy.rate, len(found))
        return found

    return under_lock(policy.name, bind)


def _use(place: Place, queue: str) -> QueueUse:
    """Count what is bound; from now on, nobody else binds to the place until the commit."""
    # Not in one go: PostgreSQL does not end a transaction that stands still after that.
    for lock in slots.lock(place.instance, is_remote=bool(place.peer)):
        lock.rows()
    return queue_use.read(queue_use.question(queue, place).rows())


def _room(use: QueueUse, place: Place, policy: Policy, now: datetime) -> int:
    """Return how many jobs of the queue the place may get, as far as the queue as a whole goes."""
    tokens = buckets.level(policy.name, policy.rate) if policy.rate else None
    elsewhere = use.total - use.by_instance.get(place.instance, 0) if policy.leader_only else 0
    usage = Usage(bound=use.total, tokens=tokens, elsewhere=elsewhere)
    return admit(policy, usage, now).up_to(place.window - use.window)


def _take(place: Place, ids: Sequence[str], *, suspect: bool) -> list[BoundJob]:
    """Bind these jobs, whose place has room for them."""
    given = numbered("job", ids) if database.vendor() == "sqlite" else {"jobs": list(ids)}
    return read_bound(
        Statement(
            _taking(len(given), suspect=suspect, remote=bool(place.peer)),
            named(place.params(), {"peer": place.peer} if place.peer else {}, given),
        ).rows()
    )


@once_per_dialect
def _taking(count: int, *, suspect: bool, remote: bool) -> str:
    which = WAITING_SUSPECT if suspect else WAITING
    if database.vendor() == "sqlite":
        these = f"IN ({placeholders(numbered('job', range(count)))})"
    else:
        these = (
            f"= ANY(ARRAY(SELECT id FROM {JOB} WHERE {which} AND id = ANY(%(jobs)s) "
            "FOR UPDATE SKIP LOCKED))"
        )
    return (
        f"{binding(remote=remote)} WHERE {PENDING} AND id {these} AND {which} AND {UNMOVED} "
        f"AND {slots.is_mine()} {alone() if suspect else ''} RETURNING {', '.join(BOUND_COLUMNS)}"
    )


def _note(queue: str, turn: QueueTurn) -> None:
    database.execute(
        f"UPDATE {QUEUE} SET turn = %(of)s, turn_taken = %(taken)s WHERE name = %(queue)s",
        {"of": turn.of, "taken": turn.taken, "queue": queue},
    )
