"""Every test can fail: it asserts something, or calls a function that does."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tests.unit.house.source import files, functions

if TYPE_CHECKING:
    from tests.unit.house.source import FunctionNode

#: Calls that raise where what is expected does not come; those of tests are found by themselves.
RAISING = ("assert", "eventually", "expect", "fail", "raises", "to_", "wait_for", "warns")


@cache
def written() -> dict[str, FunctionNode]:
    """Return the functions of the tests by module and name."""
    return {
        f"{name}:{function.name}": function
        for name, path in files("tests").items()
        for function in functions(path)
    }


@cache
def called(function: FunctionNode) -> set[str]:
    """Return the names of what a function calls."""
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {ast.unparse(call).rpartition(".")[2] for call in calls}


def asserts(function: FunctionNode) -> bool:
    """Tell whether a function asserts something itself."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(
        name.startswith(RAISING) for name in called(function)
    )


def asserting() -> set[str]:
    """Return the names of functions that assert, themselves or by what they call."""
    calls = {name.rpartition(":")[2]: set[str]() for name in written()}
    found = set()
    for name, function in written().items():
        short = name.rpartition(":")[2]
        calls[short] |= called(function)
        if asserts(function):
            found.add(short)
    while more := {name for name, used in calls.items() if used & found} - found:
        found |= more
    return found


def test_every_test_asserts_something() -> None:
    found = asserting()
    silent = [
        name
        for name, function in written().items()
        if function.name.startswith("test_")
        and not asserts(function)
        and not called(function) & found
    ]
    assert silent == []


def test_a_test_that_asserts_nothing_would_be_seen() -> None:
    node = ast.parse("def test_nothing():\n    print(1)").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert not asserts(node)
