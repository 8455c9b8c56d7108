"""Words that databases cannot store, or interpret: each verb accepts or refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]

#: A byte that is no UTF-8, NUL, a sign that turns the direction, too long, and signs of SQL.
ODD = ["\udcff", "a\x00b", "\u202e", "x" * 5000, "é" * 300, "%", "_", "\\", "'; --"]
VERBS = [
    "job ?",
    "stop ?",
    "retry ?",
    "jobs --queue ?",
    "jobs --error ?",
    "jobs --instance ?",
    "jobs --topic ?",
    "rules --instance ?",
    "queues add ? a",
    "queues set ? --limit 2",
    "queues suspend ?",
    "off ?",
    "explain ?",
    "submit ?",
    "submit a --queue ?",
    "submit a --set key=?",
    "deny ? a",
    "deny x a --note ?",
    "clear ? a",
    "exclusive ? a",
]


@pytest.mark.parametrize("verb", VERBS)
def test_an_odd_word_is_refused_in_words_or_taken(said: Said, verb: str) -> None:
    told = [refusal(said, [word.replace("?", odd) for word in verb.split()]) for odd in ODD]

    assert not any("The database said" in one for one in told)
    assert max(map(len, told)) < 1000


def refusal(said: Said, words: list[str]) -> str:
    """Return the refusal of these words, or nothing if they are accepted."""
    try:
        said(*words)
    except CommandError as error:
        return str(error)
    return ""
