"""One thing the doctor found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """The severity of a finding."""

    # Nothing needs to be done.
    OK = "ok"
    # It works, but not as well as it could, or not for long.
    WARN = "warn"
    # Jobs cannot be submitted, run, or brought to their end.
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fact about a part of the site, and the next step."""

    level: Level
    subject: str
    fact: str
    #: The next step; empty if nothing needs to be done.
    next_step: str = ""


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def ok(subject: str, fact: str) -> Finding:
    """Return a finding that something is well."""
    return Finding(level=Level.OK, subject=subject, fact=fact)


def warn(subject: str, fact: str, next_step: str) -> Finding:
    """Return a finding that something works, but needs a look."""
    return Finding(level=Level.WARN, subject=subject, fact=fact, next_step=next_step)


def fail(subject: str, fact: str, next_step: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(level=Level.FAIL, subject=subject, fact=fact, next_step=next_step)


#: The errors of the Redis and RabbitMQ libraries for a refusal; both libraries are optional.
REFUSAL_ERRORS = frozenset({"AuthenticationError", "ResponseError", "AccessRefused", "NotAllowed"})


def is_refusal(error: BaseException) -> bool:
    """Return whether a server answered with a refusal of the user or of the request."""
    return not REFUSAL_ERRORS.isdisjoint(kind.__name__ for kind in type(error).mro())
