"""Errors about resources: countable things that are not instances."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError
from offload.core.exceptions.invalid import InvalidNumber
from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest wait that a run may ask for: a year.
WAIT_SECONDS_MAX = 365 * 24 * 3_600


class InvalidResource(OffloadError, ValueError):
    """A resource, or the amount of it that a job uses, is invalid; nothing is stored."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The resource {name!r:.100} is invalid: {problem}. Jobs use it by "
            'resources={"maya": 1}.'
        )


class UnknownResource(OffloadError, LookupError):
    """Nobody has defined a resource of that name."""

    def __init__(self, *, name: object, known: Iterable[str] = ()) -> None:
        self.name = name
        super().__init__(
            f"Nobody has defined a resource {name!r:.100}.{did_you_mean(str(name), known)} Define "
            "it in the admin, in OFFLOAD['RESOURCES'], or by: manage.py offload resources set "
            "NAME --capacity N"
        )


class ResourceDenied(OffloadError):
    """Raised by a consumer that got none of a resource: its job waits, and so do all others.

    It is no failed attempt. Nothing that uses the resource begins for ``retry_in`` seconds, unless
    a person clears that.
    """

    def __init__(self, resource: str, *, retry_in: float | timedelta) -> None:
        seconds: object = (
            retry_in / timedelta(seconds=1) if isinstance(retry_in, timedelta) else retry_in
        )
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not isinstance(seconds, int | float) or not (
            is_number and 0 <= seconds <= WAIT_SECONDS_MAX
        ):
            allowed = f"a number of seconds from 0 to {WAIT_SECONDS_MAX:,}"
            raise InvalidNumber(name="retry_in", value=retry_in, allowed=allowed)
        self.resource = resource
        self.retry_in = seconds
        super().__init__(
            f"The resource {resource!r:.100} was denied; it is asked for again in {seconds:g} s. "
            "To end that sooner: manage.py offload resources clear NAME"
        )
