"""Affinity: the instance that a job is kept to, for good or for a time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from offload.core.placement.reasons import Obstacle, Reason

#: The words for both kinds in a lane.
ONLY, NEAR = "only=", "near="
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
    instance: str
    #: Seconds after which any other may run the job; None if none may.
    seconds: float | None = None

    @staticmethod
    def parse(word: str) -> Affinity | None:
        """Parse the word of a lane; None if it is no affinity."""
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

    def __str__(self) -> str:
        """Return the word, which has no spaces and no separator of lanes."""
        name = quote(self.instance, safe=PLAIN)
        return f"{ONLY}{name}" if self.seconds is None else f"{NEAR}{self.seconds:g}:{name}"


def kept_away(kept: Affinity | None, name: str) -> Reason | None:
    """Return the reason if a job with this affinity is kept to another instance, or None."""
    if kept is None or kept.includes(name):
        return None
    if kept.seconds is not None:
        sentence = f"The job waits {kept.seconds:g} s for {kept.instance}; then any may run it."
        return Reason(obstacle=Obstacle.KEPT_NEAR, detail=sentence)
    if not kept.instance:
        return Reason(obstacle=Obstacle.UNPLACED, detail=Obstacle.UNPLACED.sentence)
    sentence = f"The job's run is placed at {kept.instance}."
    return Reason(obstacle=Obstacle.PLACED_ELSEWHERE, detail=sentence)
