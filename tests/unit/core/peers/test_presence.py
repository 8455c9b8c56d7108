from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offload.core.peers.presence import (
    SENT_MAX,
    Watched,
    confirmation,
    is_news,
    is_silent,
    lease_expires,
    may_return,
    next_beat,
    remembered,
    watched,
)

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
MILLISECONDS = 1_774_746_000_000


@pytest.mark.parametrize(
    ("last", "beat"),
    [
        (0, MILLISECONDS),
        (MILLISECONDS - 1, MILLISECONDS),
        # A clock that was set back, or two announcements within a millisecond.
        (MILLISECONDS, MILLISECONDS + 1),
        (MILLISECONDS + 5000, MILLISECONDS + 5001),
    ],
)
def test_beats_rise_and_follow_the_time(last: int, beat: int) -> None:
    assert next_beat(last, NOW) == beat


@pytest.mark.parametrize(("beat", "last", "news"), [(2, 1, True), (1, 1, False), (1, 2, False)])
def test_only_a_later_announcement_is_news(beat: int, last: int, news: bool) -> None:
    assert is_news(beat, last) is news


def test_the_last_beats_are_remembered() -> None:
    sent: tuple[tuple[int, float], ...] = ()
    for beat in range(SENT_MAX + 2):
        sent = remembered(sent, beat, beat * 10.0)

    assert len(sent) == SENT_MAX
    assert sent[0] == (2, 20.0)
    assert sent[-1] == (SENT_MAX + 1, SENT_MAX * 10.0 + 10.0)


@pytest.mark.parametrize(
    ("confirmed", "ends"),
    # From before it was sent, not from when its confirmation came.
    [(1, 106.0), (2, 109.0), (3, None), (0, None)],
)
def test_a_lease_counts_from_before_the_confirmed_beat_was_sent(
    confirmed: int, ends: float | None
) -> None:
    assert lease_expires([(1, 100.0), (2, 103.0)], confirmed, 6.0) == ends


@pytest.mark.parametrize(("silent", "confirms"), [(False, 9), (True, 5)])
def test_nothing_that_came_since_a_silence_is_confirmed(silent: bool, confirms: int) -> None:
    assert confirmation(heard=9, confirmed=5, is_silent=silent) == confirms


def test_a_beat_is_seen_since_it_is_unchanged() -> None:
    first = watched(None, 1, 10.0)
    assert first == Watched(1, 10.0)
    assert watched(first, 1, 20.0) is first
    assert watched(first, 2, 20.0) == Watched(2, 20.0)
    # A cluster that lost its count is heard all the same.
    assert watched(first, 0, 20.0) == Watched(0, 20.0)


@pytest.mark.parametrize(("now", "silent"), [(10.0, False), (21.9, False), (22.0, True)])
def test_silence_is_the_whole_timeout_without_a_new_beat(now: float, silent: bool) -> None:
    assert is_silent(Watched(1, 10.0), now, 12.0) is silent


@pytest.mark.parametrize(
    ("heard", "withdrawals", "returns"),
    [(1, False, True), (1, True, False), (-1, False, False), (0, False, False)],
)
def test_who_comes_back_is_told_first(heard: int, withdrawals: bool, returns: bool) -> None:
    heard_at = NOW + timedelta(seconds=heard)
    assert may_return(silent_since=NOW, heard_at=heard_at, has_withdrawals=withdrawals) is returns


def test_who_was_never_heard_does_not_come_back() -> None:
    assert not may_return(silent_since=NOW, heard_at=None, has_withdrawals=False)
