"""The world of the fast path: one job, two workers, each with an agent that claims and ends for it.

A parent process holds arriving messages at its gate. The agent claims them by the token that the
parent gave each delivery, and grants them. The parent admits what is granted; a child begins it,
and keeps its end until the agent has committed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.unit.protocol.model import NOBODY, Attempt, Job, Key, Message, Step
from tests.unit.protocol.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The rules of the statements, which the fast path changes nothing of.
ALL = Rules()


class Phase(StrEnum):
    """The phase of a delivery of a message."""

    #: At the gate; the agent was asked to claim it, perhaps more than once.
    GATED = "gated"
    #: The answer of the agent is on its way to the parent process.
    GRANTED = "granted"
    #: In the parent process, before a child.
    ADMITTED = "admitted"
    #: Taken back by the parent process before it began.
    WITHDRAWN = "withdrawn"
    RUNNING = "running"
    #: Over in the child, which keeps the end until the agent has it in the database.
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: The child died with it.
    CRASHED = "crashed"
    #: The child died, or was ended, and the end that it kept is lost.
    UNREPORTED = "unreported"
    #: Ended in the database, and known there to be its own.
    FINISHED = "finished"
    #: Ghost: it ended, its child lives, and nobody will report it.
    FORGOTTEN = "forgotten"


#: Phases in which nothing has begun.
UNSTARTED = frozenset({Phase.GATED, Phase.GRANTED, Phase.ADMITTED, Phase.WITHDRAWN})
KEPT = frozenset({Phase.SUCCEEDED, Phase.FAILED})


class Place(NamedTuple):
    """A worker with its pool, the agent beside it, and its row (`incarnation`, `gone`)."""

    incarnation: int = 1
    alive: bool = True
    agent: bool = True
    paused: bool = False
    gone: bool = False
    #: Whether its children are taken by long runs of other jobs.
    busy: bool = False

    @property
    def awake(self) -> bool:
        return self.alive and not self.paused


class Delivery(NamedTuple):
    """A message that arrived at a worker, and what became of it."""

    instance: int
    epoch: int
    token: int
    phase: Phase = Phase.GATED
    #: The incarnation that the grant names.
    incarnation: int = 0
    #: Ghost: the token under which it was claimed before the agent died, if that was another one.
    before: int = NOBODY

    @property
    def attempt(self) -> Attempt:
        """Return it as the statements of the database know it."""
        return Attempt(self.instance, self.epoch, self.token)

    @property
    def is_known(self) -> bool:
        return self.phase not in {Phase.FORGOTTEN, Phase.FINISHED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FastRules:
    """The rules of the fast path beside those of every job; all of them, unless told otherwise."""

    #: The token of a claim is that of the delivery, so that whoever asks again knows it.
    token_of_delivery: bool = True
    #: What was claimed and shall stop is not granted, but ended.
    grant_obeys_stop: bool = True
    #: The row of what is withdrawn is given back after the parent process has taken it back.
    withdraws_first: bool = True
    #: What is admitted, and not begun, is withdrawn when its job shall stop or is denied there.
    withdraws: bool = True
    #: A child begins nothing once the lease has expired.
    begin_needs_lease: bool = True
    #: A child begins only what the present incarnation was granted.
    begin_matches_incarnation: bool = True
    #: A child keeps an end until it is acknowledged.
    keeps_ends: bool = True
    #: An end that is sent again is recognised by its token.
    rereads_ends: bool = True
    #: A child that dies after a run has not crashed by it.
    unreported_is_no_crash: bool = True
    #: Children tell what began, so that a row that nobody knows is none of a run.
    unknown_is_no_crash: bool = True
    #: Rows of runs that the parent process does not know are given back.
    reconcile: bool = True


class FastWorld(NamedTuple):
    """All that exists at one moment."""

    job: Job = Job()
    places: tuple[Place, ...] = (Place(), Place())
    broker: tuple[Message, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    database: bool = True
    denied: frozenset[int] = frozenset()
    #: Ghost: the token of the delivery that began last.
    began: int = NOBODY

    @property
    def led(self) -> bool:
        return any(self.works(index) for index in range(len(self.places)))

    @property
    def served(self) -> bool:
        return any(
            one.awake and one.agent and index not in self.denied
            for index, one in enumerate(self.places)
        )

    def works(self, index: int) -> bool:
        """Tell whether the agent of a worker can talk to the database and to the worker."""
        place = self.places[index]
        return self.database and place.awake and place.agent

    def owns(self, delivery: Delivery) -> bool:
        """Tell whether the row waits for this delivery, or was ended by it."""
        return delivery.token == self.job.token != NOBODY

    def with_place(self, index: int, place: Place) -> FastWorld:
        changed = list(self.places)
        changed[index] = place
        return self._replace(places=tuple(changed))

    def with_delivery(self, old: Delivery, *new: Delivery) -> FastWorld:
        """Replace a delivery, or take it away."""
        others = list(self.deliveries)
        others.remove(old)
        return self._replace(deliveries=(*others, *new))

    def now(self, old: Delivery, phase: Phase) -> FastWorld:
        """Return the world with a delivery in another phase."""
        return self.with_delivery(old, old._replace(phase=phase))

    def is_unwanted(self, index: int) -> bool:
        """Tell whether the job shall begin at a worker no more."""
        return self.job.stop_requested or index in self.denied

    def next_token(self) -> int:
        tokens = [one.token for one in self.deliveries]
        return 1 + max(self.job.token, self.job.finisher, self.began, *tokens)

    def key(self) -> Key:
        """Name this world and all others that no rule can tell from it."""
        job = self.job._replace(
            epoch=0, incarnation=0, token=NOBODY, finisher=NOBODY, instance=None, before=0, since=0
        )
        began = self.began == self.job.token != NOBODY
        return (job, self.database, began, *sorted(self._part(index) for index in (0, 1)))

    def _part(self, index: int) -> Key:
        job, place = self.job, self.places[index]
        bound = job.instance == index
        return (
            *place[1:],
            index in self.denied,
            bound,
            bound and job.incarnation == place.incarnation,
            tuple(sorted([epoch == job.epoch for to, epoch in self.broker if to == index])),
            tuple(sorted([self._seen(one) for one in self.deliveries if one.instance == index])),
        )

    def _seen(self, delivery: Delivery) -> Key:
        return (
            delivery.epoch == self.job.epoch,
            delivery.phase,
            delivery.token == self.job.token,
            delivery.token == self.job.finisher,
            delivery.before == self.job.token != NOBODY,
            delivery.incarnation == self.places[delivery.instance].incarnation,
        )


def is_known(world: FastWorld, message: Message) -> bool:
    """Tell whether the worker that a message is for deals with its binding."""
    return any((one.instance, one.epoch) == message for one in world.deliveries if one.is_known)


class FastStep(Step):
    """One thing that happens, perhaps to a delivery."""

    delivery: Delivery | None = None

    @classmethod
    def at(cls, delivery: Delivery, what: str) -> FastStep:
        """Return a step that happens to a delivery."""
        step = cls(f"epoch {delivery.epoch} {what}", delivery.instance)
        step.delivery = delivery
        return step


Edges: TypeAlias = "Iterator[tuple[FastStep, FastWorld]]"
