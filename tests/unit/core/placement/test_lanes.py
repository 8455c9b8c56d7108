from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.lanes import Lane
from offload.core.placement.routing import Need

TOPIC = "dam/rendition/web"
LANES = st.builds(
    Lane,
    queue=st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True),
    needs=st.sampled_from(["", "limit", "kill", "limit kill"]),
    topic=st.from_regex(r"[a-z]{1,5}(/[A-Za-z0-9_-]{1,5}){0,3}", fullmatch=True),
)


@given(LANES)
def test_a_lane_is_the_one_that_its_text_says(lane: Lane) -> None:
    assert Lane.parse(str(lane)) == lane


@given(st.text(alphabet="ab|/", max_size=12))
def test_every_text_of_a_row_comes_back_as_it_is(text: str) -> None:
    assert str(Lane.parse(text)) == text


@pytest.mark.parametrize("text", ["", "|", "||", TOPIC, f"||{TOPIC}", f"a|b|c|{TOPIC}"])
def test_a_text_that_is_no_lane_has_no_queue_and_is_its_own_topic(text: str) -> None:
    assert Lane.parse(text) == Lane(queue="", topic=text)


def test_the_text_is_what_rows_hold_already() -> None:
    assert str(Lane(queue="slow", needs="limit", topic=TOPIC)) == f"slow|limit|{TOPIC}"


@pytest.mark.parametrize(
    ("needs", "limit", "kill"),
    [("", False, False), ("limit", True, False), ("kill", False, True), ("limit kill", True, True)],
)
def test_a_lane_says_what_its_jobs_ask_of_an_instance(needs: str, limit: bool, kill: bool) -> None:
    assert Lane(topic=TOPIC, needs=needs).need == Need(topic=TOPIC, limit=limit, kill=kill)
