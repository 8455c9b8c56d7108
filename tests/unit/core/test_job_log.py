"""Logs of attempts: what is kept of them, and how often they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.job_log import (
    BURST,
    LINE_MAX,
    LOG_MAX,
    JobLog,
    LogLine,
    LogTail,
    WritePace,
)

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


def line(text: object, level: object = "INFO") -> LogLine:
    """Return a line of that text."""
    return LogLine.of(text, level, AT)


def tail(texts: list[str], *, most: int = 3) -> LogTail:
    """Return the tail of a log with these lines."""
    found = LogTail(most)
    for text in texts:
        found.add(line(text))
    return found


def test_the_last_lines_are_kept_and_all_are_counted() -> None:
    log = tail(list("abcde")).log()

    assert [one.text for one in log.lines] == ["c", "d", "e"]
    assert (log.count, log.left_out) == (5, 2)


def test_the_characters_of_a_line_and_of_all_have_a_limit() -> None:
    found = tail(["x" * (LINE_MAX + 5)] * 40, most=40).log()

    assert {len(one.text) for one in found.lines} == {LINE_MAX}
    assert len(found.lines) == LOG_MAX // LINE_MAX


@pytest.mark.parametrize(
    ("text", "kept"),
    [(None, "None"), (3, "3"), ("a\x00b", "a\\x00b"), ("\ud800", "\\ud800"), ("a\nb\n", "a\nb")],
)
def test_any_value_becomes_text_that_can_be_stored(text: object, kept: str) -> None:
    assert line(text).text == kept


def test_a_level_is_a_short_name() -> None:
    assert [line("", one).level for one in ("warning", 20, "x" * 99)] == ["WARNING", "20", "X" * 16]


def test_what_was_stored_is_read_again() -> None:
    log = tail(["a", "b", "c", "d"]).log()
    packed = log.packed()

    assert JobLog.read(packed["lines"], packed["count"]) == log
    assert JobLog.unpacked(packed) == log
    assert JobLog.unpacked({"lines": [], "count": 0}) is None


@given(JSON, JSON)
def test_anything_in_a_row_can_be_read(lines: object, count: object) -> None:
    log = JobLog.read(lines, count)
    assert log.count >= len(log.lines)
    assert log.left_out >= 0
    JobLog.unpacked(lines)


def test_the_end_of_a_log_counts_the_same() -> None:
    log = tail(["a", "bb", "cc"]).log()

    assert [one.text for one in log.last(2).lines] == ["bb", "cc"]
    assert [one.text for one in log.last(9, 3).lines] == ["cc"]
    assert log.last(2).count == 3


def test_a_few_writes_are_made_at_once_and_then_one_a_second() -> None:
    pace = WritePace()

    assert [pace.take(5.0) for _ in range(int(BURST) + 2)] == [True] * int(BURST) + [False] * 2
    assert [pace.take(5.9), pace.take(6.0), pace.take(6.1)] == [False, True, False]
    assert sum(pace.take(100.0) for _ in range(99)) == BURST
