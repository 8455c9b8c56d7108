"""Properties on the command line: accepted, or refused in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError

from offload.management.arguments import pairs

if TYPE_CHECKING:
    from collections.abc import Callable

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "read",
    [
        lambda: pairs.properties([f"a={DEEP}"], None),
        lambda: pairs.properties([], f'{{"a": {DEEP}'),
        lambda: pairs.properties(["x" * 1_000_000], None),
        lambda: pairs.properties([f"{'k' * 1_000_000}=1"] * 2, None),
        lambda: pairs.properties([], "9" * 1_000_000),
    ],
    ids=["single", "whole", "no pair", "twice", "number"],
)
def test_what_no_parser_can_take_is_refused_in_a_few_words(read: Callable[[], object]) -> None:
    with pytest.raises(CommandError) as told:
        read()

    assert len(str(told.value)) < 400
