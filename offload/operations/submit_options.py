"""The options of a submission, checked before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.escalation import NO_ESCALATION, Escalation
from offload.core.matching.job_keys import check_key
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.validation.options import (
    check_delay,
    check_priority,
    check_retries,
    check_retry_delay,
)
from offload.operations import near_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.validation.options import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """The options of a submission."""

    #: Name of a queue; None lets the topic decide.
    queue: str | None = None
    #: Higher runs earlier; from -32768 to 32767.
    priority: int = 0
    #: Time before which the job does not run, as seconds or a timedelta; ten years at most.
    delay: Seconds | None = None
    #: Time after which a job that has not begun becomes EXPIRED, as seconds or a timedelta.
    expires: Seconds | None = None
    #: Keep no result in Celery's backend.
    ignore_result: bool = False
    #: Further attempts after a failure, -1 for no limit; None lets the queue decide.
    retries: int | None = None
    #: Time before the first retry, as seconds or a timedelta; None lets the queue decide.
    retry_delay: Seconds | None = None
    #: Requirements of the instance that runs the job, or None.
    requires: Mapping[str, Any] | None = None
    #: Pairs of such requirements and a weight, or None.
    prefers: Sequence[Sequence[Any]] | None = None
    #: Factors of requirements after a failure for want of memory or time, or None.
    retry_with: Mapping[str, Any] | None = None
    #: The amounts of resources that it uses, or None.
    resources: Mapping[str, int] | None = None
    #: Places of its instance that it takes: a number, "all", an object of what it uses, or None.
    slots: object = None
    #: Keep it with the run of the step whose code submits it, if that stays together.
    together: bool = False
    #: The job whose instance it waits a moment for, "here" or "inputs"; or None.
    near: object = None
    #: For how long it does, as seconds or a timedelta; None is as long as the settings say.
    near_wait: Seconds | None = None
    #: The key by which its queue tells it apart; None lets the queue take it from the properties.
    key: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidDelay, InvalidPriority or InvalidNumber for a value out of bounds.

        Raise InvalidRequirement or InvalidPreference for what cannot be compared, InvalidPlacement
        for no factors, InvalidResource for what is no amount, InvalidKey for no text.
        """
        check_priority(self.priority)
        near_options.check(self.near, self.near_wait)
        if self.key is not None:
            check_key(self.key)
        if self.retries is not None:
            check_retries(self.retries)
        if self.retry_delay is not None:
            object.__setattr__(self, "retry_delay", check_retry_delay(self.retry_delay))
        # Converted here, so that many jobs share it. Most ask for nothing.
        asked = Requirements.of(self.requires) if self.requires else NOTHING
        object.__setattr__(self, "requires", asked)
        object.__setattr__(self, "slots", Slots.of(self.slots))
        wanted = Escalation.of(self.retry_with) if self.retry_with else NO_ESCALATION
        object.__setattr__(self, "retry_with", wanted)
        none = self.prefers is None
        preferred = INDIFFERENT if none else Preferences.of(self.prefers, beside=asked)
        object.__setattr__(self, "prefers", preferred)
        object.__setattr__(self, "resources", self._amounts(asked, preferred))
        for name in ("delay", "expires", "near_wait"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, check_delay(given, name=name))

    def _amounts(self, asked: Requirements, preferred: Preferences) -> Amounts:
        if self.resources is None:
            return NO_RESOURCES
        size = sum(len(one.text) for one in (asked, preferred) if one)
        return Amounts.of(self.resources, beside=size)
