from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidRate
from offload.core.timing.rates import UNIT_SECONDS, Rate

RATES = st.builds(
    Rate, st.integers(1, 2_000), st.sampled_from(sorted(UNIT_SECONDS)),
    st.none() | st.integers(1, 50),
)  # fmt: skip
#: Seconds between two binders that ask; none sleeps longer than a second.
PAUSES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("text", "per_second", "burst"),
    [
        # One second's worth, but at least one.
        ("600/m", 10, 10),
        ("90/m", 1.5, 2),
        ("1/h", 1 / 3_600, 1),
        (" 5/s ", 5, 5),
        ("86400/d", 1, 1),
    ],
)
def test_a_rate_is_read(text: str, per_second: float, burst: int) -> None:
    rate = Rate.parse(text)

    assert (rate.per_second, rate.burst) == (per_second, burst)
    assert str(rate) == text.strip()
    assert Rate.parse(text, 7).burst == 7


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no number of jobs"),
        (None, "no number of jobs"),
        ("100", "no number of jobs"),
        ("100/y", "no number of jobs"),
        ("1.5/s", "no number of jobs"),
        ("-1/s", "no number of jobs"),
        ("\u0663/s", "no number of jobs"),
        ("0/s", "from 1 to 1,000,000"),
        ("1000001/s", "from 1 to 1,000,000"),
        ("9" * 5_000 + "/s", "from 1 to 1,000,000"),
    ],
)
def test_any_other_text_is_refused(text: object, problem: str) -> None:
    with pytest.raises(InvalidRate, match=problem):
        Rate.parse(text)
    with pytest.raises(InvalidRate, match="its burst is not a whole number from 1"):
        Rate.parse("1/s", 0)


@given(RATES, PAUSES, st.data())
def test_no_more_begin_than_the_rate_says_in_any_span_of_time(
    rate: Rate, pauses: list[float], data: st.DataObject
) -> None:
    now, level, taken = 0.0, float(rate.burst), []
    for pause in pauses:
        now, level = now + pause, rate.level(level, pause)
        count = data.draw(st.integers(0, rate.whole(level)))
        taken.append((now, count))
        level -= count

    for first, (start, _) in enumerate(taken):
        total = 0
        for at, count in taken[first:]:
            total += count
            assert total <= rate.burst + rate.per_second * (at - start + 1) + 1e-3


@given(RATES, PAUSES)
def test_who_asks_about_once_a_second_reaches_the_rate(rate: Rate, pauses: list[float]) -> None:
    level = float(rate.burst)
    total = 0
    for pause in pauses:
        level = rate.level(level, pause)
        total += rate.whole(level)
        level -= rate.whole(level)

    assert total >= rate.per_second * sum(pauses) - 1


@given(RATES, st.floats(0, 1))
def test_when_the_next_one_is_due_there_is_a_token(rate: Rate, level: float) -> None:
    seconds = rate.until_next(level).total_seconds()

    assert rate.whole(rate.level(level, seconds + 1e-5)) >= 1


def test_a_clock_that_goes_back_adds_and_takes_nothing() -> None:
    assert Rate(1, "s").level(0.5, -60.0) == 0.5
