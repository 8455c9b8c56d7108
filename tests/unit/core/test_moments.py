from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import offload
from offload.core.moments import EARLIEST, LATEST, after, between, utc

NEW_YORK = ZoneInfo("America/New_York")
BEFORE = datetime(2027, 3, 13, 12, tzinfo=NEW_YORK)
AFTER = datetime(2027, 3, 14, 12, tzinfo=NEW_YORK)

ZONES = st.sampled_from([UTC, NEW_YORK, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Kiritimati")])
TIMES = st.datetimes(timezones=ZONES)


def test_the_hour_that_a_change_of_clocks_takes_is_not_counted() -> None:
    assert timedelta(hours=24) == AFTER - BEFORE
    assert between(BEFORE, AFTER) == 23 * 3600


def test_a_time_so_many_seconds_later_is_that_whatever_the_clocks_do() -> None:
    assert after(BEFORE, 23 * 3600) == AFTER.astimezone(UTC)


@given(earlier=TIMES, later=TIMES)
def test_seconds_between_two_times_are_those_of_utc(earlier: datetime, later: datetime) -> None:
    assert between(earlier, later) == (utc(later) - utc(earlier)).total_seconds()


@given(moment=TIMES, zone=ZONES)
def test_any_time_can_be_shown_in_any_zone(moment: datetime, zone: ZoneInfo) -> None:
    assert EARLIEST <= utc(moment) <= LATEST
    # Python calls no time of a doubled hour equal to one of another zone.
    assert utc(moment).astimezone(zone).astimezone(UTC) == utc(moment)


@pytest.mark.parametrize(("seconds", "moment"), [(1e12, LATEST), (-1e12, EARLIEST)])
def test_what_is_too_far_away_is_the_nearest_there_is(seconds: float, moment: datetime) -> None:
    assert after(BEFORE, seconds) == moment


def test_the_app_takes_the_difference_of_two_times_nowhere_else() -> None:
    folder = Path(offload.__file__).parent
    found = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if ").total_seconds()" in path.read_text()
    ]

    assert found == ["core/moments.py"]
