"""Requirements and preferences of one call of a Celery task, or of a step: the option ``offload``.

It is an object: ``{"requires": {"gpu": True}, "prefers": [[{"labels": ["fast"]}, 2]], "slots":
2}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offload.core.exceptions import InvalidPlacement, OffloadError
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, UNREADABLE, Requirements
from offload.core.nearness import unknown_key

#: The name of the option.
OPTION = "offload"
KEYS = ("requires", "prefers", "slots")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlacement:
    """The requirements, preferences and places of a call."""

    requires: Requirements = NOTHING
    prefers: Preferences = INDIFFERENT
    # The places of its instance that it takes; None if it does not say.
    slots: Slots | None = None

    @staticmethod
    def of(given: object) -> CallPlacement:
        """Return the value of an option; None asks for nothing.

        Raise InvalidPlacement for another object, InvalidRequirement or InvalidPreference for what
        cannot be compared.
        """
        if given is None:
            return UNASKED
        if not isinstance(given, Mapping):
            problem = f"{given!r:.60} is no object"
            raise InvalidPlacement(option=OPTION, problem=problem)
        for key in given:
            if key not in KEYS:
                raise InvalidPlacement(option=OPTION, problem=unknown_key(key, KEYS).rstrip("."))
        asked, wished = given.get("requires"), given.get("prefers")
        requires = Requirements.of({} if asked is None else asked)
        return CallPlacement(
            requires=requires,
            prefers=Preferences.of(() if wished is None else wished, beside=requires),
            slots=Slots.of(given.get("slots")),
        )

    @staticmethod
    def read(given: object) -> CallPlacement:
        """Return the value of a stored option; no instance meets one that cannot be read."""
        try:
            return CallPlacement.of(given)
        except OffloadError:
            return CallPlacement(requires=UNREADABLE)


UNASKED = CallPlacement()
