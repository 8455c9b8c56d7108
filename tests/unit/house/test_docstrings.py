"""Docstrings say what a thing is, as its standard noun: "The key of an attempt", not "What …"."""

from __future__ import annotations

import ast

import pytest

from tests.unit.house.source import files, tree

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("folder", ["offload", "project"])
def test_no_docstring_begins_with_what(folder: str) -> None:
    found = [
        f"{module}: {said.splitlines()[0]}"
        for module, path in files(folder).items()
        for node in ast.walk(tree(path))
        if isinstance(node, DOCUMENTED)
        and (said := ast.get_docstring(node) or "").startswith("What ")
    ]

    assert found == []
