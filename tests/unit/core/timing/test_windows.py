from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offload.core.exceptions import InvalidWindow, UnknownTimeZone
from offload.core.timing.windows import DAYS, TimeWindow, Windows

MINUTE = timedelta(minutes=1)
#: With clocks that are set by an hour, by half an hour, at midnight, and never.
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "UTC")
NIGHTS = Windows.of(["mon-fri 22:00-06:00"], "Europe/Berlin")


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


TIMES = st.lists(st.integers(0, 1_439), min_size=2, max_size=2, unique=True)
TEXTS = st.builds(
    lambda first, last, times: f"{first}-{last} {clock(times[0])}-{clock(times[1])}",
    st.sampled_from(DAYS), st.sampled_from(DAYS), TIMES,
)  # fmt: skip
#: Around days on which clocks are set, in minutes.
MOMENTS = st.builds(
    lambda day, minutes: day + minutes * MINUTE,
    st.sampled_from(
        [
            datetime(2026, month, day, tzinfo=UTC)
            for month, day in ((3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31), (7, 1))
        ]
    ),
    st.integers(0, 3 * 1_440),
)


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        # 2026-11-30 is a Monday.
        ("2026-11-30 21:59", False),
        ("2026-11-30 22:00", True),
        ("2026-12-01 05:59", True),
        ("2026-12-01 06:00", False),
        # The night of Friday goes on into Saturday, and Monday begins without a night of Sunday.
        ("2026-12-05 05:59", True),
        ("2026-12-05 22:00", False),
        ("2026-11-30 05:59", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_starts(local: str, is_open: bool) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=NIGHTS.zone)

    assert NIGHTS.is_open(moment) is is_open


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-wed 01:00-02:00", {0, 1, 2}),
        ("fri-mon 01:00-02:00", {4, 5, 6, 0}),
        ("sat,sun 01:00-02:00", {5, 6}),
        ("Mon,wed-thu  01:00-02:00", {0, 2, 3}),
        ("sun 01:00-02:00", {6}),
        (" 01:00-02:00 ", set(range(7))),
    ],
)
def test_days_are_read(text: str, days: set[int]) -> None:
    assert TimeWindow.parse(text) == TimeWindow(frozenset(days), 60, 120)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not days and two times"),
        (None, "not days and two times"),
        ("mon", "not days and two times"),
        ("mon 22-06", "not days and two times"),
        ("mon-fri22:00-06:00", "not days and two times"),
        ("monday 22:00-06:00", "'monday' is none of mon, tue"),
        ("mon-fri-sat 22:00-06:00", "'fri-sat' is none of"),
        ("mon, 22:00-06:00", "'' is none of"),
        ("mon 24:01-06:00", "24:01 is no time of day"),
        ("mon 22:60-06:00", "22:60 is no time of day"),
        ("mon 24:00-06:00", "the next day has 00:00"),
        ("mon 22:00-22:00", "a day is 00:00-24:00"),
    ],
)
def test_any_other_text_is_refused(text: object, problem: str) -> None:
    with pytest.raises(InvalidWindow, match=problem):
        TimeWindow.parse(text)


def test_what_is_no_list_or_too_long_or_has_no_zone_is_refused() -> None:
    with pytest.raises(InvalidWindow, match="no list of windows"):
        Windows.of("mon 01:00-02:00", "UTC")
    with pytest.raises(InvalidWindow, match="at most 50"):
        Windows.of(["01:00-02:00"] * 51, "UTC")
    for name in ("Mars/Base", "", None, "../etc/passwd", "x" * 500):
        with pytest.raises(UnknownTimeZone):
            Windows.of([], name)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=3), st.sampled_from(ZONES), MOMENTS)
# Clocks are put back from 03:00 to 02:00: what closed at 02:30 is open once more.
@example(["01:00-02:30"], "Europe/Berlin", datetime(2026, 10, 25, 0, 40, tzinfo=UTC))
# Clocks skip the hour in which it would open.
@example(["02:30-06:00"], "Europe/Berlin", datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
# Neighbours, between which it does not close.
@example(["mon 00:00-24:00", "tue 00:00-12:00"], "UTC", datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
def test_the_next_change_is_the_first_minute_at_which_it_opens_or_closes(
    texts: list[str], zone: str, now: datetime
) -> None:
    windows = Windows.of(texts, zone)

    change = windows.next_change(now)

    is_open = windows.is_open(now)
    soon = (now + number * MINUTE for number in range(1, 2 * 1_440))
    found = next((one for one in soon if windows.is_open(one) != is_open), None)
    if found is None:
        assert change is None or change > now + 2 * 1_439 * MINUTE - MINUTE
    else:
        assert change == found


def test_what_is_always_open_or_never_does_not_change() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    always, never = (Windows.of(texts, "Europe/Berlin") for texts in (["00:00-24:00"], []))
    assert (always.is_open(now), always.next_change(now)) == (True, None)
    assert (never.is_open(now), never.next_change(now)) == (False, None)
    assert (str(always), str(never)) == (
        "00:00-24:00 (Europe/Berlin)", "never (Europe/Berlin)",
    )  # fmt: skip
