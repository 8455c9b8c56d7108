"""Parts of a job's page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from offload.browser.values import VALUE_CHARACTERS, text_of, truncated_value
from offload.reading.jobs.history import AttemptLine
from offload.reading.jobs.page import PayloadValues
from offload.templatetags.offload import seconds
from tests.unit.core.placement.fleet import NOW


def test_values_are_shown_as_json_in_their_own_letters() -> None:
    assert text_of({"title": "Größe"}) == '{\n  "title": "Größe"\n}'


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_nothing_is_shown_as_nothing(nothing: object) -> None:
    assert text_of(nothing) == ""


@pytest.mark.parametrize(("value", "shown"), [(0, "0"), (False, "false"), ("", '""')])
def test_false_values_are_values(value: object, shown: str) -> None:
    assert text_of(value) == shown


def test_a_very_long_text_is_cut_and_says_so() -> None:
    assert truncated_value("x" * (VALUE_CHARACTERS + 7)).endswith("… 7 more characters")


def test_an_attempt_takes_time_once_it_has_ended() -> None:
    def attempt(**moments: object) -> AttemptLine:
        return AttemptLine(number=1, epoch=1, instance="a", outcome="", **moments)  # type: ignore[arg-type]

    ended = NOW + timedelta(seconds=1.256)
    assert seconds(attempt(started_at=NOW, ended_at=ended).seconds) == "1.26 s"
    assert attempt(started_at=NOW, ended_at=None).seconds is None


def test_values_of_a_payload_know_whether_they_are_empty() -> None:
    assert PayloadValues(args=[], properties={}, result=None, traceback="").is_empty
    assert not PayloadValues(args=[], properties={}, result=0, traceback="").is_empty


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0.15, "0.15 s"),
        (3, "3 s"),
        (75, "1 min 15 s"),
        (3_700, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_are_shown_by_their_two_greatest_units(value: float | None, shown: str) -> None:
    assert seconds(value) == shown
