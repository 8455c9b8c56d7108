"""Rescue: where a job runs again after the process or the instance that ran it was lost."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from offload.core.exceptions import InvalidPlacement
from offload.core.nearness import did_you_mean

#: Seconds that a job waits for its instance to come back, unless its queue says otherwise.
RESCUE_SECONDS = 300.0


class Rescue(enum.StrEnum):
    """Where a job runs again."""

    # Wherever there is room.
    ANYWHERE = "anywhere"
    # Not where it was lost, as long as another instance can run it.
    ELSEWHERE = "elsewhere"
    # At the same instance; anywhere if that does not come back in time.
    SAME = "same"
    # At the same instance; it ends as ERROR if that does not come back in time.
    SAME_OR_ERROR = "same_or_error"

    @property
    def waits(self) -> bool:
        """Tell whether the job waits for the instance."""
        return self in {Rescue.SAME, Rescue.SAME_OR_ERROR}

    @staticmethod
    def checked(value: object) -> str:
        """Return the word of a consumer, "" for none; raise InvalidPlacement for any other."""
        words = [one.value for one in Rescue]
        if value == "" or (isinstance(value, str) and value in words):
            return str(value)
        near = did_you_mean(value, words) if isinstance(value, str) else ""
        problem = f"{value!r:.60} is none of {', '.join(words)}.{near}".removesuffix(".")
        raise InvalidPlacement(option="rescue", problem=problem.removesuffix("?"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueRule:
    """The rule of a queue for its lost jobs."""

    where: Rescue = Rescue.ANYWHERE
    # How long a job waits for its instance.
    seconds: float = RESCUE_SECONDS


ANYWHERE = RescueRule()
