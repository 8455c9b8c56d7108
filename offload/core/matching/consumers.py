"""Consumers: tasks bound to patterns of topics, as instances announce them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements

if TYPE_CHECKING:
    from offload.core.matching.job_slots import Slots
    from offload.core.topics import Pattern
    from offload.core.validation.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A Celery task bound to a pattern."""

    pattern: Pattern
    task: str
    # Of consumers with the same pattern, the highest wins.
    ranking: int = 0
    # Whether its task has time limits, which the pool must be able to enforce.
    limit: bool = False
    # Whether its task keeps no results in Celery's backend.
    is_silent: bool = False
    # The names of the properties that it accepts; None if unknown.
    parameters: Parameters | None = None
    # Its requirements of the instance for each of its jobs.
    requires: Requirements = NOTHING
    # Its preferences among instances for each of its jobs.
    prefers: Preferences = INDIFFERENT
    # The amounts of resources that each of its jobs uses.
    resources: Amounts = NO_RESOURCES
    # The places that each job takes unless it says otherwise; None is one.
    slots: Slots | None = None
