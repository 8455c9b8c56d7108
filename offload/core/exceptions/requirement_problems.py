"""Errors for what a job asks of the instance that runs it; nothing is stored."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError

if TYPE_CHECKING:
    from collections.abc import Mapping

# How the options that say where a job runs are written.
EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "offload": 'offload={"requires": {"gpu": True}, "prefers": [({"labels": ["fast"]}, 2)]}',
        "near": "near=job, near_wait=30",
        "rescue": 'rescue="elsewhere"',
        "retry_with": 'requires={"ram_gb": {">=": 8}}, retry_with={"ram_gb": 2}',
        "slots": 'slots=2, slots="all" or slots={"ram_gb": 8}',
    }
)


class InvalidRequirement(OffloadError, ValueError):
    """A requirement compares a property of an instance with a value, or names a label."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The requirement on {name!r:.100} is invalid: {problem}. Write "
            'requires={"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}.'
        )


class InvalidPreference(OffloadError, ValueError):
    """A preference gives a requirement and the weight of an instance that meets it."""

    def __init__(self, *, given: object, problem: str) -> None:
        self.given = given
        self.problem = problem
        super().__init__(
            f"The preference {given!r:.100} is invalid: {problem}. Write "
            'prefers=[({"gpu": True}, 5), ({"labels": ["shared"]}, -2)].'
        )


class InvalidPlacement(OffloadError, ValueError):
    """An option says where a job may run, or how much of an instance it takes."""

    def __init__(self, *, option: str, problem: str) -> None:
        self.option = option
        self.problem = problem
        super().__init__(f"{option} is invalid: {problem}. Write {EXAMPLES.get(option, option)}.")
