"""Errors as text, whatever their own text does."""

from __future__ import annotations

from offload.worker.pool.outcome import info


def test_characters_that_databases_refuse_are_escaped() -> None:
    found = info(ValueError("a\x00b\udcff"))

    assert found.message == "a\\x00b\\udcff"
    assert "\x00" not in found.traceback
    found.traceback.encode()


def test_an_error_that_cannot_be_shown_is_told_by_its_name() -> None:
    class Shy(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert info(Shy()).message == "Shy, which cannot be shown as text"


def test_an_error_whose_text_raises_past_everything_is_told_by_its_name() -> None:
    class Rude(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    assert info(Rude()).message == "Rude, which cannot be shown as text"


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert info(KeyError()).message == "KeyError"
