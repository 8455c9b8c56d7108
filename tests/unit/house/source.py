"""The source of the app as syntax: its modules, what they import, their functions and classes."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import offload

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(offload.__file__).parent
ROOT = PACKAGE.parent
#: A name that is loaded at first use: "offload.room.module:name".
LAZY = re.compile(r"(offload(?:\.\w+)+):(\w+)")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(folder: str = "offload") -> dict[str, Path]:
    """Return the file of each module by its dotted name; migrations are left out."""
    found = [path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    return {dotted(path): path for path in found}


def dotted(path: Path) -> str:
    """Return the name that a file is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path, *, with_types: bool = True) -> Iterator[str]:
    """Yield the names that a module imports from the app, as "module.name"; also lazy ones."""
    skipped = set() if with_types else set(_for_types(tree(path)))
    for node in ast.walk(tree(path)):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
    if with_types:
        yield from lazily(tree(path))


def lazily(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module loads at first use, as "module.name"."""
    for node in ast.walk(module):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (found := LAZY.fullmatch(text)):
            yield ".".join(found.groups())


def _for_types(module: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes under TYPE_CHECKING."""
    for node in ast.walk(module):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            yield from ast.walk(node)


def functions(path: Path) -> Iterator[FunctionNode]:
    """Yield the functions of a module, methods and inner ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, FunctionNode):
            yield node


def length(function: FunctionNode) -> int:
    """Return how many lines the statements of a function take, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
