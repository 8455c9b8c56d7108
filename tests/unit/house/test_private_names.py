"""Tests patch no private name: collaborators are passed in, or have a door."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator


def patched(module: ast.Module) -> Iterator[str]:
    """Yield the private names that a module of tests patches, each with whose it is."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr"):
            yield from private(node, {})
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple | ast.List):
            yield from in_loop(node)


def in_loop(loop: ast.For) -> Iterator[str]:
    """Yield the private names that a loop over names patches."""
    names = loop.iter.elts if isinstance(loop.iter, ast.Tuple | ast.List) else []
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr"):
            for name in names:
                yield from private(node, {ast.unparse(loop.target): name})


def private(call: ast.Call, values: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the private names that a call sets: "owner", "_name" or "owner._name".

    ``values`` are those of variables.
    """
    given = [values.get(ast.unparse(one), one) for one in call.args[:2]]
    text = [one.value for one in given if isinstance(one, ast.Constant)]
    name = str(text[0]) if text else ""
    if name.rpartition(".")[2].startswith("_"):
        yield name if "." in name else f"{ast.unparse(call.args[0])}.{name}"


def test_no_private_name_is_patched() -> None:
    found = {name for path in files("tests").values() for name in patched(tree(path))}
    assert found == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("m.setattr(a, '_b', 1)", ["a._b"]),
        ("m.setattr('a._b', 1)", ["a._b"]),
        ("for one in ('_b', 'c'): m.setattr(a, one, 1)", ["a._b"]),
        ("m.setattr(a, 'b', '_c')", []),
    ],
)
def test_a_private_name_that_is_patched_would_be_seen(text: str, names: list[str]) -> None:
    assert list(patched(ast.parse(text))) == names
