"""Counts in sentences: ``1 job is``, not ``1 jobs are``."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A count's words, where they are said in the plural whatever it is.
PLURAL = re.compile(
    r" (more )?(are|were|have|jobs|topics|instances|rules|messages|models|migrations|workers|"
    r"consumers|queues|retries|files)\b"
)
#: Words that say how many of how many, or that there are several.
OF_SEVERAL = re.compile(r"\b([Oo]f|All) $")
#: Said of two or more alone.
EXCEPTIONS = {"offload.fleet.clashes: len(places)"}


def counts(node: ast.JoinedStr) -> Iterator[str]:
    """Yield counts with words in the plural."""
    before = ""
    for value, after in zip(node.values, [*node.values[1:], ast.Constant("")], strict=True):
        if isinstance(value, ast.Constant):
            before = str(value.value)
        elif isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
            counted = ast.unparse(value.value)
            is_number = bool(re.search(r"count|len\(|left|hidden|number|hour|day|bound$", counted))
            if is_number and PLURAL.match(str(after.value)) and not OF_SEVERAL.search(before):
                yield counted


@pytest.mark.parametrize("name", sorted(files()))
def test_one_of_something_is_said_in_the_singular(name: str) -> None:
    strings = [one for one in ast.walk(tree(files()[name])) if isinstance(one, ast.JoinedStr)]
    found = {f"{name}: {one}" for string in strings for one in counts(string)}

    assert found <= EXCEPTIONS, "use offload.core.texts.counted, or ngettext on pages"
