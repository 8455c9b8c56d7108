"""Waits: steps without a job, which end by a person, a token, an event, or a time."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from offload.core.moments import span

if TYPE_CHECKING:
    from collections.abc import Mapping


class WaitKind(enum.StrEnum):
    """The kinds of ends that a step can wait for."""

    # A person approves or rejects it.
    APPROVAL = "approval"
    # Somebody outside ends it by its token.
    TOKEN = "token"  # noqa: S105 - a kind of wait
    # An event of that name is sent.
    EVENT = "event"
    # A time comes.
    TIME = "time"


#: Kinds of waits in words, for errors.
WORDS = {
    WaitKind.APPROVAL: "an approval",
    WaitKind.TOKEN: "a token",
    WaitKind.EVENT: "an event",
    WaitKind.TIME: "a time",
}


class WaitOutcome(enum.StrEnum):
    """The ends of a wait."""

    APPROVED = "approved"
    REJECTED = "rejected"
    # By its token.
    COMPLETED = "completed"
    FAILED = "failed"
    # Its event was sent.
    SENT = "sent"
    # Its time came.
    REACHED = "reached"
    # Its limit came first.
    TIMED_OUT = "timed out"
    # The step was skipped, or its run was stopped.
    CLOSED = "closed"

    @property
    def is_success(self) -> bool:
        """Tell whether the step has succeeded."""
        return self in SUCCESSES


SUCCESSES = frozenset(
    {WaitOutcome.APPROVED, WaitOutcome.COMPLETED, WaitOutcome.SENT, WaitOutcome.REACHED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The end that a step waits for."""

    kind: WaitKind
    #: The question of an approval, or the name of an event.
    about: str = ""
    #: The permission of those who may approve; "" for offload's own.
    permission: str = ""
    #: The time, as ISO 8601 with a zone; "" for a delay.
    until: str = ""
    #: Seconds from the start of the run, or from when the step became due.
    delay: float | None = None
    since_start: bool = False
    #: Seconds from when the step became due to its failure; None for no limit.
    within: float | None = None

    def due(self, started: datetime, ready: datetime) -> tuple[datetime | None, bool]:
        """Return when it ends by itself, and whether it has failed then.

        ``started`` is the start of the run, and ``ready`` when the step became due.
        """
        limit = None if self.within is None else ready + timedelta(seconds=self.within)
        moment = self._moment(started, ready)
        if moment is None or (limit is not None and limit < moment):
            return limit, True
        return moment, False

    def _moment(self, started: datetime, ready: datetime) -> datetime | None:
        if self.until:
            return datetime.fromisoformat(self.until)
        if self.delay is None:
            return None
        return (started if self.since_start else ready) + timedelta(seconds=self.delay)

    def __str__(self) -> str:
        """Return it as people read it, after "waits for"."""
        match self.kind:
            case WaitKind.APPROVAL:
                return f"an approval: {self.about}" if self.about else "an approval"
            case WaitKind.TOKEN:
                return "its token"
            case WaitKind.EVENT:
                return f"the event {self.about}"
        if self.until:
            return f"{datetime.fromisoformat(self.until):%Y-%m-%d %H:%M %Z}"
        since = "the start of the run" if self.since_start else "it is due"
        return f"{span(self.delay or 0.0)} from when {since}".replace("from when the", "from the")

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "kind": self.kind.value, "about": self.about, "permission": self.permission,
            "until": self.until, "delay": self.delay, "since_start": self.since_start,
            "within": self.within,
        }  # fmt: skip


def read(facts: Mapping[str, Any] | None) -> Wait | None:
    """Return the wait of JSON values."""
    return Wait(**{**facts, "kind": WaitKind(facts["kind"])}) if facts else None
