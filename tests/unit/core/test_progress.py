"""The progress of a job."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.progress import Progress


class Mute:
    """A value that cannot be shown as text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(),
    st.decimals(), st.fractions(), st.complex_numbers(), st.lists(st.integers()),
    st.just(10**400), st.just(Mute()),
)  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "percent"),
    [
        ({"current": 1, "total": 4, "message": "x"}, 25),
        ({"current": 9, "total": 4}, 100),
        ({"current": -9, "total": 4}, 0),
        ({"current": 3, "total": None}, None),
        ({"current": 3, "total": 0}, None),
        ({"current": 3, "total": -4}, None),
        ({"current": float("nan"), "total": 4}, None),
        ({"current": 3, "total": float("inf")}, None),
        ({"current": 1e308, "total": 1e-308}, 100),
        ({"current": [3], "total": {}}, None),
    ],
)
def test_progress_is_a_share_where_both_are_known(kept: Any, percent: int | None) -> None:
    progress = Progress.read(kept)

    assert progress is not None
    assert progress.percent == percent


@pytest.mark.parametrize("kept", [None, {}, [], [1], "half", 0.5, True])
def test_what_is_no_progress_is_none(kept: Any) -> None:
    assert Progress.read(kept) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        ("7", 7.0),
        ("half", None),
        (Decimal("sNaN"), None),
        (10**400, None),
        (float("inf"), None),
    ],
)
def test_numbers_become_floats_at_the_door(value: object, number: float | None) -> None:
    assert Progress.of(value, value, None) == Progress(current=number, total=number, message="")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b", "a\\x00b"),
        ("half \ud83d", "half \\ud83d"),
        (7, "7"),
        (Mute(), "Mute, which cannot be shown as text"),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_a_message_is_made_printable(text: object, shown: str) -> None:
    assert Progress.of(1, 2, text).message == shown


@given(current=ODD, total=ODD, text=ODD)
def test_whatever_is_said_can_be_stored_read_and_shown(
    current: object, total: object, text: object
) -> None:
    said = Progress.of(current, total, text)

    kept = json.dumps(said.as_dict(), allow_nan=False).encode().decode()
    assert Progress.read(json.loads(kept)) == said
    assert said.percent is None or 0 <= said.percent <= 100
    assert "\0" not in str(said)


def test_it_reads_as_people_say_it() -> None:
    assert str(Progress.of(3, 8, "half of it")) == "3 of 8 half of it"
    assert str(Progress.of(None, 8, "")) == ""
