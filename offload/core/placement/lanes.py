"""Lanes: jobs that can run in the same places wait in the same lane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.placement.affinity import Affinity
from offload.core.placement.judgement import Need

#: Separates queue, needs and topic in the text of a lane; none of them contains it.
SEPARATOR = "|"
LANE_PARTS = 3
#: The word for what stays in its cluster among a job's needs.
STAYS = "home"
#: The word for jobs with a key, after the needs.
KEYED = "keyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane: the common facts of its jobs; ``str()`` is the text in rows."""

    topic: str
    #: Name of their queue.
    queue: str = "default"
    #: Space-separated: ``limit`` if the pool must be able to limit a run's time, ``kill`` if it
    #: must be able to kill it; ``files`` if it has files, ``clone`` if another cluster owns it;
    #: ``home`` if it stays in its cluster, since it replaces itself.
    needs: str = ""
    #: The amounts of resources that the jobs themselves use; a word after the needs in the text.
    resources: Amounts = NO_RESOURCES
    #: The preferences of the jobs themselves; a word after the needs in the text.
    prefers: Preferences = INDIFFERENT
    #: The places that each of its jobs takes, None for one; a word after the preferences.
    slots: Slots | None = None
    #: Whether its jobs have keys, by which their queue may tell them apart.
    keyed: bool = False
    #: The requirements of the jobs themselves; a word after the needs in the text.
    requires: Requirements = NOTHING
    #: The instance that its jobs are kept to; the last word of the needs in the text.
    affinity: Affinity | None = None

    @staticmethod
    def parse(text: str) -> Lane:
        """Parse the lane in a row; an invalid text becomes the topic of a lane without a queue."""
        return _parse(text)

    def __str__(self) -> str:
        """Return the text, which sorts by queue, then by needs, then by topic."""
        if not self.queue:
            return self.topic
        needs = self.needs
        if self.resources:
            needs = f"{needs} {self.resources.text}".lstrip()
        if self.prefers:
            needs = f"{needs} {self.prefers.text}".lstrip()
        if self.slots:
            needs = f"{needs} {self.slots.text}".lstrip()
        if self.keyed:
            needs = f"{needs} {KEYED}".lstrip()
        if self.requires:
            needs = f"{needs} {self.requires.text}".lstrip()
        if self.affinity:
            needs = f"{needs} {self.affinity}".lstrip()
        return f"{self.queue}{SEPARATOR}{needs}{SEPARATOR}{self.topic}"

    @property
    def staying(self) -> Lane:
        """Return the lane of the same jobs if they stay in their cluster."""
        return (
            self
            if STAYS in self.needs.split()
            else replace(self, needs=f"{self.needs} {STAYS}".strip())
        )

    @property
    def need(self) -> Need:
        """Return the requirements of its jobs."""
        return _need(self)


# Several are made at each decision, from few lanes.
@lru_cache(maxsize=1024)
def _need(lane: Lane) -> Need:
    words = lane.needs.split()
    return Need(
        topic=lane.topic,
        limit="limit" in words,
        kill="kill" in words,
        files="files" in words,
        clone="clone" in words,
        stays=STAYS in words,
        requires=lane.requires,
        prefers=lane.prefers,
        affinity=lane.affinity,
        slots=lane.slots,
    )


# Agents read the same lanes several times a second.
@lru_cache(maxsize=1024)
def _parse(text: str) -> Lane:
    parts = text.split(SEPARATOR)
    if len(parts) != LANE_PARTS or not parts[0]:
        return Lane(topic=text, queue="")
    before, _, last = parts[1].rpartition(" ")
    affinity = Affinity.parse(last)
    needs = before if affinity else parts[1]
    before, _, last = needs.rpartition(" ")
    requires = Requirements.parse(last)
    words = (needs if requires is None else before).split(" ")
    keyed = words[-1] == KEYED
    words = words[:-1] if keyed else words
    slots = Slots.parse(words[-1]) if words else None
    words = words[:-1] if slots else words
    prefers = Preferences.parse(words[-1]) if words else None
    words = words if prefers is None else words[:-1]
    resources = Amounts.parse(words[-1]) if words else None
    return Lane(
        queue=parts[0],
        needs=" ".join(words if resources is None else words[:-1]),
        resources=resources or NO_RESOURCES,
        prefers=prefers or INDIFFERENT,
        slots=slots,
        keyed=keyed,
        topic=parts[2],
        requires=requires or NOTHING,
        affinity=affinity,
    )
