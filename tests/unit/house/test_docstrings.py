"""Docstrings name the thing, subject first: "The key of an attempt", "Return the count".

A clause in the place of a noun ("What …", "Return what …", "Whether …") hides the thing's name.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
#: ``within`` returns the value of the function in its parameter: there is no other name for it.
CLAUSE = re.compile(r"(What|Whether|Who|Whom|Whose|(Return|Yield|Tell) (what|who|whom)) (?!`)")
COMMENT = re.compile(r"#:? (What|Who|Whom|Whose)\b")


def docstrings(path: Path) -> Iterator[str]:
    """Yield the first lines of the docstrings of a module, its own included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, DOCUMENTED) and (said := ast.get_docstring(node)):
            yield said.splitlines()[0]


def comments(path: Path) -> Iterator[str]:
    """Yield the first lines of the comments of a module."""
    before = -1
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != before + 1:
                yield token.string
            before = token.start[0]


@pytest.mark.parametrize("folder", ["offload", "project"])
def test_no_docstring_begins_with_a_clause(folder: str) -> None:
    found = [
        f"{module}: {line}"
        for module, path in files(folder).items()
        for line in docstrings(path)
        if CLAUSE.match(line)
    ]

    assert found == []


@pytest.mark.parametrize("folder", ["offload", "project"])
def test_no_comment_begins_with_a_clause(folder: str) -> None:
    found = [
        f"{module}: {line}"
        for module, path in files(folder).items()
        for line in comments(path)
        if COMMENT.match(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    ["What is told.", "Return what a rule does.", "Whether it runs.", "Yield what is there."],
)
def test_a_clause_would_be_seen(line: str) -> None:
    assert CLAUSE.match(line)


def test_a_comment_that_goes_on_is_not_taken_for_another(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("#: The jobs.\n#: What waits is here too.\n\n# What waits.\n")

    assert list(comments(module)) == ["#: The jobs.", "# What waits."]
    assert [one for one in comments(module) if COMMENT.match(one)] == ["# What waits."]
