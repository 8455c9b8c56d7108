from __future__ import annotations

import io
import itertools

import pytest
from rich.console import Console

from offload.management.breaking import breaks
from offload.management.narrow_table import listing
from offload.management.terminal import table

TOPIC = "marketing/rendition/thumbnail"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        (TOPIC, 40, [TOPIC]),
        (TOPIC, 20, ["marketing/rendition/", "thumbnail"]),
        (TOPIC, 12, ["marketing/", "rendition/", "thumbnail"]),
        ("render@gpu1.example", 12, ["render@", "gpu1.example"]),
        # A part that is wider than the column is broken afterwards.
        ("x" * 30, 10, ["x" * 30]),
        ("", 5, [""]),
    ],
)
def test_a_name_is_broken_between_its_parts(text: str, width: int, lines: list[str]) -> None:
    at = [0, *breaks(text, width), len(text)]

    assert [text[begin:end] for begin, end in itertools.pairwise(at)] == lines


def printed(width: int, *shown: object) -> list[str]:
    to = io.StringIO()
    console = Console(file=to, width=width)
    for one in shown:
        console.print(one)
    return [word for line in to.getvalue().splitlines() for word in line.split()]


def test_a_narrow_table_keeps_words_whole_and_breaks_what_is_too_wide_for_it() -> None:
    rows = [(TOPIC, "x" * 14), (f"{TOPIC}\n{'y' * 40}", "z")]

    words = printed(30, table(("topic", "other"), rows, fold={"topic": 8}))

    assert {"marketing/", "rendition/", "thumbnail"} <= set(words)
    assert "".join(word for word in words if set(word) == {"y"}) == "y" * 40


def test_a_narrow_listing_keeps_words_whole() -> None:
    made = listing(("job", "topic"), [("x" * 20, TOPIC)], below=[""], flexible="topic", width=35)

    assert {"marketing/", "rendition/", "thumbnail"} <= set(printed(35, *made))


def test_a_listing_whose_flexible_column_is_empty_is_shown_all_the_same() -> None:
    made = listing(("job", "topic"), [("one", "")], below=["no"], flexible="topic", width=35)

    assert printed(35, *made) == ["job", "one", "no"]


def test_prose_is_broken_between_words() -> None:
    prose = "the disk of web@b is full/broken"

    words = printed(20, table(("note", "x"), [(prose, "1")], fold={"note": 8}))

    assert " ".join(words[2:]).replace(" 1", "") == prose
