"""Text that every database can store, and names of types."""

from __future__ import annotations

import json
from collections import OrderedDict

from offload.core.texts import as_text, bare, counted, first_line, message, place_of


class Mute(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise SystemExit


def test_a_place_is_the_module_and_the_qualified_name() -> None:
    assert place_of(OrderedDict) == "collections.OrderedDict"
    assert place_of(json.JSONDecoder.decode) == "json.decoder.JSONDecoder.decode"


def test_a_count_has_the_words_for_it() -> None:
    assert [counted(count, "job is", "jobs are") for count in (0, 1, 2000)] == [
        "0 jobs are", "1 job is", "2,000 jobs are",
    ]  # fmt: skip


def test_a_bare_name_has_no_module() -> None:
    assert [bare("json.decoder.JSONDecodeError"), bare("Odd"), bare("")] == [
        "JSONDecodeError", "Odd", "",
    ]  # fmt: skip


def test_what_no_database_takes_is_escaped() -> None:
    assert as_text(ValueError("a\x00b\udcff")) == r"a\x00b\udcff"


def test_what_cannot_be_shown_is_told_by_its_type() -> None:
    assert as_text(Mute()) == "Mute, which cannot be shown as text"
    assert message(None) == ""


def test_a_text_of_many_lines_is_told_by_its_first() -> None:
    assert [first_line(text) for text in ("", "one", "one\n", "one\r\ntwo")] == [
        "", "one", "one", "one …",
    ]  # fmt: skip
