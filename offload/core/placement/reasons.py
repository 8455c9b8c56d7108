"""Reasons why an instance does not run a job: a type for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import Explained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.matching.preferences import Preference


class Obstacle(Explained):
    """An obstacle between a job and an instance; the first one found is reported."""

    NO_CONSUMER = "no_consumer", "It has no consumer for the topic."
    OLD_PROTOCOL = "old_protocol", "Its version of offload is too old to be sent jobs."
    BROKEN_CONSUMER = "broken_consumer", "Its consumer was marked broken after too many refusals."
    CANNOT_LIMIT = "cannot_limit", "Its pool cannot enforce the time limits the job needs."
    CANNOT_KILL = "cannot_kill", "Its pool cannot end a running job, which the job needs."
    UNMET = "unmet", "It does not have what the job requires."
    UNPLACED = "unplaced", "The job's run is to stay together, and no instance can do all of it."
    PLACED_ELSEWHERE = "placed_elsewhere", "The job's run is placed at another instance."
    KEPT_NEAR = "kept_near", "The job waits a moment for another instance, which it is to be near."
    AWAITS_RETURN = (
        "awaits_return",
        "The job waits for the instance where it was lost to come back.",
    )
    LOST_THERE = "lost_there", "The job was lost there, and another instance can run it."
    RESERVED = "reserved", "It is kept free for a job that takes several of its places."
    TAKES_PLACES = (
        "takes_places",
        "The job takes several places, which only the own cluster keeps for it.",
    )
    NOT_LEADER = "not_leader", "It does not lead, and the job's queue is for the leader alone."
    OFF = "off", "It is switched off."
    DENIED = "denied", "A rule denies it the topic."
    NOT_ALLOWED = "not_allowed", "Its allow rules do not include the topic."
    GONE = "gone", "It is gone."
    STARTING = "starting", "It is starting."
    DRAINING = "draining", "It is shutting down and takes nothing new."
    SUSPECT = "suspect", "It does not answer, but is not declared gone yet."
    DISCONNECTED = "disconnected", "It has lost its broker connection."
    EXCLUDED = "excluded", "It refused this job, or left it waiting, a moment ago."
    IS_CLONE = "is_clone", "The job is a clone, which stays in the cluster that took it."
    NOT_SENT = "not_sent", "The topic may not be sent to its cluster."
    HAS_FILES = "has_files", "The job has files, which are not carried to its cluster."
    RUNS_ANOTHER = (
        "runs_another",
        "The job is an error callback, which stays where the failed job is.",
    )
    REPLACES = "replaces", "The job replaces itself, which it can do here only."
    SEND_OFF = "send_off", "Sending to its cluster is switched off."
    NOT_ACCEPTING = "not_accepting", "Its cluster has switched off accepting jobs from here."
    PEER_SILENT = "peer_silent", "Its cluster is silent."
    WINDOW_FULL = "window_full", "It holds as many jobs as it can."

    @property
    def distance(self) -> int:
        """Return how far an instance with this obstacle is from running the job."""
        return _NEAREST.index(self)


# Passing states, then settings of people, then missing instances, then missing abilities.
_NEAREST = (
    Obstacle.WINDOW_FULL,
    Obstacle.RESERVED,
    Obstacle.EXCLUDED,
    Obstacle.STARTING,
    Obstacle.DISCONNECTED,
    Obstacle.SUSPECT,
    Obstacle.PEER_SILENT,
    Obstacle.NOT_ACCEPTING,
    Obstacle.OFF,
    Obstacle.SEND_OFF,
    Obstacle.DENIED,
    Obstacle.GONE,
    Obstacle.DRAINING,
    Obstacle.NOT_ALLOWED,
    Obstacle.NOT_SENT,
    Obstacle.HAS_FILES,
    Obstacle.RUNS_ANOTHER,
    Obstacle.REPLACES,
    Obstacle.IS_CLONE,
    Obstacle.TAKES_PLACES,
    Obstacle.NOT_LEADER,
    Obstacle.KEPT_NEAR,
    Obstacle.AWAITS_RETURN,
    Obstacle.LOST_THERE,
    Obstacle.PLACED_ELSEWHERE,
    Obstacle.UNPLACED,
    Obstacle.UNMET,
    Obstacle.CANNOT_KILL,
    Obstacle.CANNOT_LIMIT,
    Obstacle.BROKEN_CONSUMER,
    Obstacle.OLD_PROTOCOL,
    Obstacle.NO_CONSUMER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """An obstacle with its facts."""

    obstacle: Obstacle
    # A sentence with the facts.
    detail: str
    # The rule that is the obstacle, if any.
    rule_id: int | None = None

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one instance for one job."""

    instance: str
    # The task that would run it there; None without a consumer.
    task: str | None
    # None if the instance can run it now.
    reason: Reason | None = None
    # Why the rules of the instance's own cluster forbid it, if that is another one.
    there: str = ""
    # The sum of the weights of the preferences that it meets; None if the job has none.
    score: float | None = None
    # Those that it meets.
    preferences: tuple[Preference, ...] = ()

    @property
    def can_run(self) -> bool:
        """Tell whether the instance can and may run the job now."""
        return self.reason is None

    @property
    def distance(self) -> int:
        """Return how far the instance is from running the job; least if it can run it."""
        return self.reason.obstacle.distance if self.reason else -1


def all_unmet(verdicts: Iterable[Verdict]) -> bool:
    """Tell whether each instance with a consumer lacks something that the job requires."""
    able = [one.reason for one in verdicts if one.task is not None]
    return bool(able) and all(one and one.obstacle is Obstacle.UNMET for one in able)
