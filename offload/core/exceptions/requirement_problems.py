"""Errors for what a job asks of the instance that runs it; nothing is stored."""

from __future__ import annotations

from offload.core.exceptions.base import OffloadError


class InvalidRequirement(OffloadError, ValueError):
    """A requirement compares a property of an instance with a value, or names a label."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The requirement on {name!r:.100} is invalid: {problem}. Write "
            'requires={"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}.'
        )
