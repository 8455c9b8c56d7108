"""Errors for keys of jobs; nothing is stored."""

from __future__ import annotations

from offload.core.exceptions.base import OffloadError


class InvalidKey(OffloadError, ValueError):
    """A key is a text of at most 100 characters."""

    def __init__(self, *, key: object, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(
            f"{key!r:.60} is no key: {problem}. Give a text of at most 100 characters, such as "
            'key="acme".'
        )
