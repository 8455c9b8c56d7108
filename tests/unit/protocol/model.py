"""The world of the protocol, as small as it can be: one job, two instances, broker and database.

Every value is a frozen tuple, so that a state of the world can be a key. Fields named *ghost* are
what an all-seeing observer notes; no rule ever reads them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from offload.core.states import FINAL, JobState

Key: TypeAlias = tuple[object, ...]

#: Failed attempts after which the job is given up: one retry.
FAILURES = 2
#: Crashes after which the job is given up.
CRASHES = 2
#: The token of no attempt.
NOBODY = 0


class Phase(StrEnum):
    """The phase of a delivery of a message."""

    #: Received by the parent process, not claimed.
    HELD = "held"
    #: The claim is committed, the reply is lost.
    CLAIMING = "claiming"
    #: Claimed by the agent, to be ended as failed: its delivery came to nothing before.
    UNSTARTED = "unstarted"
    RUNNING = "running"
    #: The finish is committed, the reply is lost.
    FINISHING = "finishing"
    #: It knows that its finish is committed, and has the conclusion before it.
    FINISHED = "finished"


class Job(NamedTuple):
    """The database row."""

    state: JobState = JobState.PENDING
    epoch: int = 0
    instance: int | None = None
    incarnation: int = 0
    token: int = NOBODY
    stop_requested: bool = False
    failures: int = 0
    crashes: int = 0
    aftermath_due: bool = False
    #: Whether it runs again by itself after a run that was lost.
    reruns: bool = True
    #: Ghost: whether a run was lost that must not run again.
    is_lost: bool = False
    #: Ghost: how often the job was made final.
    finishes: int = 0
    #: Ghost: the token of the attempt that made it final.
    finisher: int = NOBODY
    #: Ghost: how often the result was written.
    results: int = 0
    #: Ghost: how many jobs had this id before, and the epoch of the last of them.
    before: int = 0
    since: int = 0

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def settled(self) -> bool:
        """Tell whether the job is final and its result is written."""
        return self.state in FINAL and self.results > 0


class Instance(NamedTuple):
    """A worker with its agent, and its database row (`incarnation`, `gone`)."""

    incarnation: int = 1
    alive: bool = True
    paused: bool = False
    gone: bool = False

    @property
    def awake(self) -> bool:
        return self.alive and not self.paused


class Message(NamedTuple):
    """A message in the broker, in the queue of an instance."""

    instance: int
    epoch: int


class Attempt(NamedTuple):
    """A delivery of a message to an instance, and what runs because of it."""

    instance: int
    epoch: int
    token: int = NOBODY
    phase: Phase = Phase.HELD
    #: Whether the parent process still knows of it.
    known: bool = True
    #: Ghost: whether a fault made the parent process forget it.
    dropped: bool = False


class World(NamedTuple):
    """All that exists at one moment."""

    job: Job = Job()
    instances: tuple[Instance, ...] = (Instance(), Instance())
    broker: tuple[Message, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    database: bool = True
    #: Whether every delivery fails before its claim: nothing can make a run of the message.
    spoiled: bool = False
    #: The instances on which a rule denies the job.
    denied: frozenset[int] = frozenset()
    #: The instance of a binding that began before the last rule, and is not committed. Nobody
    #: sees a binding before its commit: so one that meets no rule counts as atomic.
    binding: int | None = None
    #: The epoch whose run an instance ended, as its lease had expired.
    expired: int = 0

    @property
    def led(self) -> bool:
        """Tell whether somebody is there to do the leader's duties."""
        return self.database and any(instance.awake for instance in self.instances)

    @property
    def served(self) -> bool:
        """Tell whether an instance is awake that may run the job."""
        return any(one.awake for at, one in enumerate(self.instances) if at not in self.denied)

    def works(self, index: int) -> bool:
        """Tell whether an instance can talk to the database."""
        return self.database and self.instances[index].awake

    def with_instance(self, index: int, instance: Instance) -> World:
        changed = list(self.instances)
        changed[index] = instance
        return self._replace(instances=tuple(changed))

    def with_attempt(self, old: Attempt, *new: Attempt) -> World:
        """Replace an attempt, or take it away."""
        others = list(self.attempts)
        others.remove(old)
        return self._replace(attempts=(*others, *new))

    def with_ended(self, old: Attempt) -> World:
        """Take an attempt away that reported its end.

        The parent process knows attempts by their bindings: others of this one are forgotten too.
        """
        after = self.with_attempt(old)
        binding = (old.instance, old.epoch)
        twins = tuple(
            one._replace(known=False) if (one.instance, one.epoch) == binding else one
            for one in after.attempts
        )
        return after._replace(attempts=twins)

    def with_message(self, message: Message) -> World:
        return self._replace(broker=(*self.broker, message))

    def key(self) -> Key:
        """Name this world and all others that no rule can tell from it.

        Epochs, incarnations and tokens are compared, never counted: an old one is an old one. And
        the two instances are alike, so it does not matter which is A and which is B.
        """
        job = self.job._replace(
            epoch=0, incarnation=0, token=NOBODY, finisher=NOBODY, instance=None, before=0, since=0
        )
        whole = (self.database, self.spoiled, self.expired == self.job.epoch)
        return (job, *whole, *sorted(self._part(index) for index in (0, 1)))

    def _part(self, index: int) -> Key:
        job, instance = self.job, self.instances[index]
        bound = job.instance == index
        return (
            instance.alive,
            instance.paused,
            instance.gone,
            index in self.denied,
            index == self.binding,
            bound,
            bound and job.incarnation == instance.incarnation,
            tuple(sorted([epoch == job.epoch for to, epoch in self.broker if to == index])),
            tuple(sorted([_seen(a, job) for a in self.attempts if a.instance == index])),
        )


def _seen(attempt: Attempt, job: Job) -> Key:
    _, epoch, token, phase, known, dropped = attempt
    named = token != NOBODY
    return (
        epoch == job.epoch,
        phase == Phase.FINISHED and epoch <= job.since,
        named and token == job.token,
        named and token == job.finisher,
        phase,
        known,
        dropped,
    )


class Step(NamedTuple):
    """One thing that happens."""

    what: str
    who: int | None = None
    #: Whether the way to a final state may need it; nobody has to come back from the dead.
    relied_on: bool = True
    #: The attempt that acts, as it was before.
    by: Attempt | None = None

    @classmethod
    def of(cls, attempt: Attempt, what: str) -> Step:
        return cls(what, attempt.instance, by=attempt)

    def __str__(self) -> str:
        return self.what if self.who is None else f"{'AB'[self.who]}: {self.what}"


Edge: TypeAlias = tuple[Step, World]
