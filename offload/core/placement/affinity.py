"""Affinity: the instance that a job is kept to, for good or for a time, or kept away from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from offload.core.matching.rescue import Rescue
from offload.core.placement.reasons import Obstacle, Reason

#: The words for both kinds in a lane.
ONLY, NEAR = "only=", "near="
#: The words after a loss: the instance that a job waits for, and those that it keeps away from.
BACK, AWAY = "back=", "away="
#: The word of a job that waits for another one to get an instance.
BESIDE = "beside="
#: Ends the time in the word of a job that ends with it.
ENDING = "!"
#: Instances that a job keeps away from at most: those that lost it last.
AVOIDED_MAX = 3
#: Characters of names of instances that stand in a lane as they are.
PLAIN = "@/.-_"
#: The end of a word that stands for all instances of another cluster.
ALL_OF_IT = "/*"


def cluster_word(cluster: str) -> str:
    """Return the word that stands for all instances of another cluster."""
    return f"{cluster}{ALL_OF_IT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affinity:
    """An instance that a job is kept to; ``str()`` is its word in a lane."""

    #: Its name; empty if no instance can take all of the job's run yet. ``render/*`` stands for any
    #: instance of that cluster.
    instance: str = ""
    #: Seconds after which any other may run the job; None if none may.
    seconds: float | None = None

    @staticmethod
    def parse(word: str) -> Affinity | None:
        """Parse the word of a lane; None if it is no affinity."""
        if word.startswith(AWAY):
            return Avoidance(names=tuple(map(unquote, word.removeprefix(AWAY).split(","))))
        if word.startswith(BESIDE):
            return _beside(word.removeprefix(BESIDE))
        if word.startswith(BACK):
            return _awaited(word.removeprefix(BACK))
        if word.startswith(ONLY):
            return Affinity(instance=unquote(word.removeprefix(ONLY)))
        seconds, colon, name = word.removeprefix(NEAR).partition(":")
        if not word.startswith(NEAR) or not colon:
            return None
        return Affinity(instance=unquote(name), seconds=float(seconds))

    @property
    def for_good(self) -> bool:
        """Tell whether no other instance may run the job, however long it waits."""
        return self.seconds is None

    def includes(self, name: str) -> bool:
        """Tell whether this instance is the one, or one of those."""
        if self.instance.endswith(ALL_OF_IT):
            return name.startswith(self.instance.removesuffix("*"))
        return self.instance == name

    def reason(self, name: str) -> Reason:
        """Return why an instance that is not included does not run the job."""
        if self.seconds is not None:
            sentence = f"The job waits {self.seconds:g} s for {self.instance}; then any may run it."
            return Reason(obstacle=Obstacle.KEPT_NEAR, detail=sentence)
        if not self.instance:
            return Reason(obstacle=Obstacle.UNPLACED, detail=Obstacle.UNPLACED.sentence)
        sentence = f"The job's run is placed at {self.instance}."
        return Reason(obstacle=Obstacle.PLACED_ELSEWHERE, detail=sentence)

    def __str__(self) -> str:
        """Return the word, which has no spaces and no separator of lanes."""
        name = quote(self.instance, safe=PLAIN)
        return f"{ONLY}{name}" if self.seconds is None else f"{NEAR}{self.seconds:g}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Affinity):
    """The instance that lost a job, which waits until it comes back, or until a time."""

    #: That time, in seconds since 1970 by the database's clock.
    until: int
    #: Whether the job then ends as ERROR, instead of running anywhere.
    ends: bool = False

    @property
    def for_good(self) -> bool:
        """Tell whether no other instance may run the job, however long it waits."""
        return False

    def reason(self, name: str) -> Reason:
        """Return why another instance does not run the job."""
        return Reason(obstacle=Obstacle.AWAITS_RETURN, detail=self.sentence)

    @property
    def sentence(self) -> str:
        """Return the sentence about the wait and its end."""
        then = "it ends" if self.ends else "any may run it"
        waits = f"The job was lost at {self.instance} and waits for it until {self.when}"
        return f"{waits}; then {then}."

    @property
    def when(self) -> str:
        """Return the time until which it waits, for people."""
        return f"{datetime.fromtimestamp(self.until, UTC):%Y-%m-%d %H:%M:%S %Z}"

    def __str__(self) -> str:
        """Return the word, which has no spaces and no separator of lanes."""
        ending = ENDING if self.ends else ""
        return f"{BACK}{self.until}{ending}:{quote(self.instance, safe=PLAIN)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoidance(Affinity):
    """The instances that lost a job, which keeps away from them while another one can run it."""

    names: tuple[str, ...]

    @property
    def for_good(self) -> bool:
        """Tell whether no other instance may run the job, however long it waits."""
        return False

    def includes(self, name: str) -> bool:
        """Tell whether this instance may run the job."""
        return name not in self.names

    def reason(self, name: str) -> Reason:
        """Return why an instance that lost the job does not run it again."""
        sentence = f"The job was lost at {name}, and runs elsewhere while another instance can."
        return Reason(obstacle=Obstacle.LOST_THERE, detail=sentence)

    def __str__(self) -> str:
        """Return the word, which has no spaces and no separator of lanes."""
        return f"{AWAY}{','.join(quote(one, safe=PLAIN) for one in self.names)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside(Affinity):
    """Another job, which has no instance yet that this one could be kept to."""

    job: str

    def includes(self, name: str) -> bool:
        """Tell whether this instance is the one: none is yet."""
        return False

    def reason(self, name: str) -> Reason:
        """Return why no instance runs the job yet."""
        waits = f"The job waits {self.seconds:g} s for job {self.job} to get an instance"
        sentence = f"{waits}, which it is to be near; then any may run it."
        return Reason(obstacle=Obstacle.KEPT_NEAR, detail=sentence)

    def __str__(self) -> str:
        """Return the word, which has no spaces and no separator of lanes."""
        return f"{BESIDE}{self.seconds:g}:{quote(self.job, safe=PLAIN)}"


def _beside(text: str) -> Beside | None:
    seconds, colon, job = text.partition(":")
    return Beside(job=unquote(job), seconds=float(seconds)) if colon else None


def _awaited(text: str) -> Return | None:
    time, colon, name = text.partition(":")
    until = time.removesuffix(ENDING)
    if not colon or not until.isdecimal():
        return None
    return Return(instance=unquote(name), until=int(until), ends=time.endswith(ENDING))


def after_loss(where: Rescue, name: str, before: Affinity | None, *, until: int) -> Affinity | None:
    """Return the affinity of a job whose run was lost at an instance.

    ``before`` is its affinity so far: one to its run's place stays, since the run moves as a whole.
    ``until`` is the time up to which it waits for the instance, if it does, in seconds since 1970.
    """
    if before is not None and before.for_good:
        return before
    if where.waits:
        return Return(instance=name, until=until, ends=where is Rescue.SAME_OR_ERROR)
    if where is Rescue.ELSEWHERE:
        earlier = before.names if isinstance(before, Avoidance) else ()
        names = [*(one for one in earlier if one != name), name]
        return Avoidance(names=tuple(names[-AVOIDED_MAX:]))
    return before


def kept_away(kept: Affinity | None, name: str) -> Reason | None:
    """Return the reason if a job with this affinity is kept to another instance, or None."""
    return None if kept is None or kept.includes(name) else kept.reason(name)
