"""The presence of peers: the order of announcements, leases, silence and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: Sent beats that are remembered; a confirmation of an older one would extend no lease.
SENT_MAX = 32
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Watched:
    """A beat, and when an observer saw it first, in seconds of the observer's own clock."""

    beat: int
    since: float


def next_beat(last: int, now: datetime) -> int:
    """Return the beat after the last one, also for a database that was restored or is new.

    It is the time in milliseconds where that is later: a cluster that has lost its count is heard
    again at once.
    """
    return max(last + 1, int(now.timestamp() * MILLISECONDS))


def is_news(beat: int, last: int) -> bool:
    """Tell whether an announcement is later than the last one heard."""
    return beat > last


def remembered(
    sent: Sequence[tuple[int, float]], beat: int, at: float
) -> tuple[tuple[int, float], ...]:
    """Return the sent beats and their times, with one more and without the oldest."""
    return (*sent, (beat, at))[-SENT_MAX:]


def lease_expires(
    sent: Sequence[tuple[int, float]], confirmed: int, lease_seconds: float
) -> float | None:
    """Return when the lease ends that a confirmed beat gives, or None if it gives none.

    ``sent`` are beats with the times before they were sent; the result is such a time.
    """
    return next((at + lease_seconds for beat, at in sent if beat == confirmed), None)


def confirmation(*, heard: int, confirmed: int, is_silent: bool) -> int:
    """Return the beat to confirm: the last one heard, or none since the peer was silent."""
    return confirmed if is_silent else heard


def watched(before: Watched | None, beat: int, now: float) -> Watched:
    """Return since when a beat is seen unchanged."""
    return before if before is not None and before.beat == beat else Watched(beat, now)


def is_silent(watched: Watched, now: float, timeout: float) -> bool:
    """Tell whether a peer has been without a new beat for the whole timeout."""
    return now - watched.since >= timeout


def may_return(*, silent_since: datetime, heard_at: datetime | None, has_withdrawals: bool) -> bool:
    """Tell whether a silent peer counts as present again."""
    return heard_at is not None and heard_at > silent_since and not has_withdrawals
