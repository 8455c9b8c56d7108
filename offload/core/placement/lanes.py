"""Lanes: jobs that can run in the same places now wait in one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from offload.core.placement.judgement import Need

#: Stands between queue, needs and topic in the text of a lane; none of them has it.
SEPARATOR = "|"
LANE_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane: the facts its jobs have in common; ``str()`` is the text that rows hold."""

    topic: str
    #: Name of the policy that holds for them.
    queue: str = "default"
    #: Space-separated: ``limit`` where the pool must be able to limit a run's time, ``kill``
    #: where it must be able to end it.
    needs: str = ""

    @staticmethod
    def parse(text: str) -> Lane:
        """Return the lane of a row; of a text that is none, one of no queue, whose text it is."""
        return _parse(text)

    def __str__(self) -> str:
        """Return the text: it sorts by queue, then by needs, then by topic."""
        if not self.queue:
            return self.topic
        return f"{self.queue}{SEPARATOR}{self.needs}{SEPARATOR}{self.topic}"

    @property
    def need(self) -> Need:
        """Return what its jobs ask of an instance."""
        return Need(topic=self.topic, limit="limit" in self.needs, kill="kill" in self.needs)


# Agents read the same lanes several times a second.
@lru_cache(maxsize=1024)
def _parse(text: str) -> Lane:
    parts = text.split(SEPARATOR)
    if len(parts) != LANE_PARTS or not parts[0]:
        return Lane(topic=text, queue="")
    return Lane(queue=parts[0], needs=parts[1], topic=parts[2])
