"""One thing the doctor found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How bad it is."""

    # Nothing is to be done.
    OK = "ok"
    # It works, not as well as it could, or not for long.
    WARN = "warn"
    # Jobs cannot be submitted, run, or brought to their end.
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fact about a part of the site, and what to do about it."""

    level: Level
    subject: str
    fact: str
    #: Empty where nothing is to be done.
    next_step: str = ""


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def ok(subject: str, fact: str) -> Finding:
    """Return that something is well."""
    return Finding(level=Level.OK, subject=subject, fact=fact)


def warn(subject: str, fact: str, next_step: str) -> Finding:
    """Return that something works and should be looked at."""
    return Finding(level=Level.WARN, subject=subject, fact=fact, next_step=next_step)


def fail(subject: str, fact: str, next_step: str) -> Finding:
    """Return that something does not work."""
    return Finding(level=Level.FAIL, subject=subject, fact=fact, next_step=next_step)


#: What the libraries of Redis and RabbitMQ raise for it; neither needs to be installed.
REFUSAL_ERRORS = frozenset({"AuthenticationError", "ResponseError", "AccessRefused", "NotAllowed"})


def is_refusal(error: BaseException) -> bool:
    """Return whether a server answers, and refuses who asks or what is asked for."""
    return not REFUSAL_ERRORS.isdisjoint(kind.__name__ for kind in type(error).mro())
