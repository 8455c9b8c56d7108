from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from time import process_time

import pytest
from django.utils import timezone

from offload.management.arguments import times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("0.5m", timedelta(seconds=30)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert times.duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "m", "1 m", "-1m", "1m!", "1w", "9" * 20 + "d", "3651d", "\u0663m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="write"):
        times.duration(text)


def test_a_text_as_long_as_a_book_is_refused_in_a_few_words() -> None:
    begun = process_time()

    with pytest.raises(ArgumentTypeError) as told:
        times.duration("1" * 1_000_000)

    assert process_time() - begun < 1
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (0, "0.00 s"),
        (1.234, "1.23 s"),
        (9.999, "10 s"),
        (59.7, "60 s"),
        (60, "1 m"),
        (90, "1.5 m"),
        (3600, "1 h"),
        (129_600, "1.5 d"),
    ],
)
def test_seconds_are_told_in_the_largest_unit(value: float | None, expected: str) -> None:
    assert times.seconds(value) == expected


def test_an_age_is_never_negative() -> None:
    assert times.age(timezone.now() + timedelta(hours=1)) == "0.00 s"


def test_a_time_of_day_is_the_next_one() -> None:
    moment = timezone.localtime() - timedelta(minutes=2)

    found = times.time_to_come(f"{moment:%H:%M}")

    assert timedelta(hours=22) < found - timezone.now() <= timedelta(hours=25)
    assert f"{timezone.localtime(found):%H:%M}" == f"{moment:%H:%M}"


@pytest.mark.parametrize("text", ["2999-03-01T18:30", "2999-03-01 18:30+02:00"])
def test_a_time_with_its_date_is_that_time(text: str) -> None:
    assert times.time_to_come(text).year == 2999


@pytest.mark.parametrize("text", ["soon", "25:00", "2020-01-01T00:00", "9" * 1000])
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        times.time_to_come(text)


@pytest.mark.parametrize("text", ["0", "0s", "0m0s"])
def test_a_span_is_not_zero(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no time at all"):
        times.span(text)
