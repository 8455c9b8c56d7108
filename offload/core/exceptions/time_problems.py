"""Errors about times and retries: rates, windows, lists of errors, and when to try again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError
from offload.core.texts import as_text

if TYPE_CHECKING:
    from datetime import timedelta


class InvalidRate(OffloadError, ValueError):
    """A rate is no number of jobs per unit of time."""

    def __init__(self, *, text: object, problem: str) -> None:
        self.text = text
        self.problem = problem
        super().__init__(
            f"The rate {text!r:.60} is invalid: {problem}. Write a number and a unit: 100/m, with "
            "s, m, h or d for a second, minute, hour or day."
        )


class InvalidWindow(OffloadError, ValueError):
    """A window of time cannot be read."""

    def __init__(self, *, text: object, problem: str) -> None:
        self.text = text
        self.problem = problem
        super().__init__(
            f"The window {text!r:.60} is invalid: {problem}. Write days and times, such as "
            "mon-fri 22:00-06:00, sat,sun 00:00-24:00, or 12:00-13:00 for every day."
        )


class UnknownTimeZone(OffloadError, ValueError):
    """No time zone has that name."""

    def __init__(self, *, name: object) -> None:
        self.name = name
        super().__init__(
            f"There is no time zone {name!r:.60}. Write a name such as Europe/Berlin or UTC; it "
            "may also be missing from this machine: pip install tzdata."
        )


class InvalidErrorName(OffloadError, ValueError):
    """An entry of a list of errors is neither a class of exceptions nor its name."""

    def __init__(self, *, name: object) -> None:
        self.name = name
        super().__init__(
            f"{name!r:.100} names no exception. Write a list of classes or of dotted names: "
            '["ConnectionError", "requests.exceptions.Timeout"], 50 at most.'
        )


class RetryLater(OffloadError):
    """Raised by a consumer that failed and knows when to try again; it counts as a failure."""

    def __init__(self, message: str = "", *, delay: float | timedelta) -> None:
        self.message = message
        self.delay = self.retry_after = delay
        super().__init__(
            message
            or f"The job failed and asked to be tried again in {as_text(delay)} s. Raise "
            "PermanentError for what need not be tried again."
        )
