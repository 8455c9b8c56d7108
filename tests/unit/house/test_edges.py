"""Edges parse what they are given and show what they get: `reading` asks the database for them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Rooms that ask no questions of their own. Querysets that Django's ModelAdmin gives are its own.
EDGES = ("admin", "browser", "diagnostics", "management", "templatetags")
#: Names by which models are asked, and functions that take SQL.
MANAGERS = {"objects", "_default_manager", "_base_manager"}
SQL = {"database.rows", "database.execute", "connection.cursor"}
#: Modules that ask all the same, each with the reason.
EXCEPTIONS = {
    "offload.diagnostics.database": "It examines the database itself, not what is in it.",
}


def asked(module: ast.Module) -> Iterator[str]:
    """Yield the expressions by which a module asks the database."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and (node.attr in MANAGERS or ast.unparse(node) in SQL):
            yield ast.unparse(node)


def asking(edge: str) -> dict[str, set[str]]:
    """Return the modules of an edge that ask the database, with the expressions."""
    found = {
        name: set(asked(tree(path)))
        for name, path in files().items()
        if f"{name}.".startswith(f"offload.{edge}.")
    }
    return {name: expressions for name, expressions in found.items() if expressions}


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_asks_reading_and_not_the_database(edge: str) -> None:
    found = asking(edge)
    assert {name: found[name] for name in found.keys() - EXCEPTIONS.keys()} == {}


def test_every_exception_is_needed() -> None:
    found = {name for edge in EDGES for name in asking(edge)}
    assert EXCEPTIONS.keys() - found == set(), "These ask no more: remove them from EXCEPTIONS."


@pytest.mark.parametrize("line", ["Job.objects.count()", "database.rows('SELECT 1')"])
def test_a_question_would_be_seen(line: str) -> None:
    assert list(asked(ast.parse(line)))
