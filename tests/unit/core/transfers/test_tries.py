"""Pauses between the tries of a transfer, and parts of files in HTTP."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offload.core.retries import RetryPolicy
from offload.core.transfers.ranges import (
    Part,
    Unsatisfiable,
    parse_content_range,
    parse_range,
)
from offload.core.transfers.tries import TransferPolicy, may_differ_next_time, pause

POLICY = TransferPolicy(
    retry=RetryPolicy(retries=3, delay=1.0, backoff=2.0, max_delay=10.0, jitter=0.5)
)


@pytest.mark.parametrize(
    ("failures", "retry_after", "draw", "seconds"),
    [
        (1, None, 0.0, 1.0),
        (2, None, 0.0, 2.0),
        (3, None, 0.0, 4.0),
        (4, None, 0.0, None),  # Three retries follow the first try.
        (3, None, 1.0, 2.0),  # 4 s less half of them.
        (1, 7.0, 0.0, 7.0),
        (3, 2.0, 0.0, 4.0),
        (1, 9999.0, 0.0, 300.0),
        (1, -5.0, 0.0, 1.0),
        (4, 1.0, 0.0, None),
    ],
)
def test_pauses_grow_and_heed_the_other_site(
    failures: int, retry_after: float | None, draw: float, seconds: float | None
) -> None:
    assert pause(POLICY, failures=failures, retry_after=retry_after, draw=draw) == seconds


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507, 599])
def test_what_may_differ_next_time_is_tried_again(status: int) -> None:
    assert may_differ_next_time(status)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 410, 413, 416, 422, 451])
def test_what_will_not_differ_is_not(status: int) -> None:
    assert not may_differ_next_time(status)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", (0, 10)),
        ("bytes=4-", (4, 10)),
        ("bytes=4-5", (4, 6)),
        ("bytes=4-99", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
    ],
)
def test_a_range_is_read_as_rfc_9110_says(header: str, part: tuple[int, int]) -> None:
    assert parse_range(header, 10) == Part(start=part[0], stop=part[1])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=1-2,4-5",
        "items=1-2",
        "bytes=\u0663-",
        "bytes=1 -2",
    ],
)
def test_a_malformed_range_is_ignored(header: str) -> None:
    assert parse_range(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=0-", 0), ("bytes=-0", 9)])
def test_a_range_outside_of_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, size)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
@example(0, 1)
def test_a_range_stays_within_the_file(start: int, size: int) -> None:
    try:
        part = parse_range(f"bytes={start}-", size)
    except Unsatisfiable:
        assert start >= size
    else:
        assert part == Part(start=start, stop=size)


@given(st.integers(0, 2**40), st.integers(1, 2**30), st.integers(0, 2**30))
def test_a_content_range_comes_back_as_it_was(start: int, size: int, more: int) -> None:
    part = Part(start=start, stop=start + size)
    total = start + size + more

    assert parse_content_range(part.header(total)) == (part, total)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes 0-9/9",
        "bytes 5-4/9",
        "bytes */9",
        "bytes 0-1/*",
        "bytes=0-1/9",
        "bytes 0-\u0661/9",
    ],
)
def test_a_malformed_content_range_is_none(header: str) -> None:
    assert parse_content_range(header) is None


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(header: str) -> None:
    found = parse_content_range(header)
    assert found is None or found[0].stop <= found[1]
    try:
        part = parse_range(header, 10)
    except Unsatisfiable:
        return
    assert part is None or 0 <= part.start < part.stop <= 10
