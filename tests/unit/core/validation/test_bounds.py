from __future__ import annotations

import math
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.conf import Settings
from offload.core.exceptions import InvalidDelay, InvalidPriority
from offload.core.validation import bounds
from offload.core.validation.bounds import DELAY, PRIORITY, RETRIES, SETTINGS, Bound
from offload.core.validation.options import check_delay, check_priority, check_timeout

if TYPE_CHECKING:
    from collections.abc import Callable

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.timedeltas(),
    st.lists(st.integers()), st.decimals(), st.complex_numbers(),
)  # fmt: skip


@pytest.mark.parametrize("value", [0, 1.5, DELAY.most])
def test_a_number_within_its_bound_fits(value: float) -> None:
    assert value in DELAY


@pytest.mark.parametrize(
    "value", [-1, DELAY.most + 1, math.nan, math.inf, 10**400, True, "1", None, [1]]
)
def test_nothing_else_does(value: object) -> None:
    assert value not in DELAY


def test_a_whole_number_is_no_fraction() -> None:
    assert 1 in RETRIES
    assert 1.0 not in RETRIES


def test_a_bound_reads_as_people_write_it() -> None:
    assert str(RETRIES) == "a whole number from -1 to 1,000,000 (-1 is without a limit)"
    assert str(Bound(least=0.1, most=2)) == "a number from 0.1 to 2"


@given(value=st.floats())
def test_the_nearest_number_always_fits(value: float) -> None:
    assert DELAY.nearest(value) in DELAY
    assert RETRIES.nearest_whole(value) in RETRIES


def test_every_number_of_the_settings_has_a_bound() -> None:
    types = get_type_hints(Settings)
    numbers = {
        field.name.upper() for field in fields(Settings) if types[field.name] in {int, float}
    }

    assert set(SETTINGS) == numbers


def test_every_default_fits_its_bound() -> None:
    given_ = {field.name.upper(): field.default for field in fields(Settings)}

    assert [key for key, bound in SETTINGS.items() if given_[key] not in bound] == []


def test_every_bound_is_finite() -> None:
    found = [one for one in vars(bounds).values() if isinstance(one, Bound)]

    assert len(found) > 5
    assert all(math.isfinite(one.least) and math.isfinite(one.most) for one in found)


def taken(check: Callable[[Any], float], value: object) -> float | str:
    """Return the accepted value, or the error."""
    try:
        return check(value)
    except (InvalidDelay, InvalidPriority) as error:
        return str(error)


@given(value=ANYTHING)
def test_a_delay_is_seconds_or_an_error_that_says_so(value: Any) -> None:
    found = taken(check_delay, value)

    assert "Pass seconds or a timedelta" in found if isinstance(found, str) else found in DELAY


@given(value=ANYTHING)
def test_a_priority_is_small_or_an_error_that_says_so(value: Any) -> None:
    found = taken(check_priority, value)

    assert "Pass an integer" in found if isinstance(found, str) else found in PRIORITY


def test_a_duration_is_its_seconds() -> None:
    assert check_delay(timedelta(minutes=2)) == 120
    assert check_timeout(None) is None
