"""Parameters of SQL have names: in a text that is put together, an order is nobody's to know."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, TypeGuard

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What stands in SQL and in no sentence; or a placeholder alone, to be put into SQL.
SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|VALUES|SET|AND|OR|CASE|LIMIT|IN)\b|^\(?%s\)?$"
)
#: What runs SQL, with its parameters as the second argument.
RUNNERS = {"rows", "execute", "Statement", "Selector"}
#: The rows of one insert: tens of thousands of values, which nothing else is put between.
BULK = "offload.tracking.drafts._many_rows"


def positional(module: ast.Module) -> Iterator[int]:
    """Yield the lines at which SQL has, or is given, parameters without names."""
    logged = {id(call.args[0]) for call in ast.walk(module) if _is_logged(call)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in logged:
            text = _text(node)
            if "%s" in text and SQL.search(text):
                yield node.lineno
        elif isinstance(node, ast.Call) and _is_run_in_order(node):
            yield node.args[1].lineno


def _is_logged(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger.")


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def _is_run_in_order(call: ast.Call) -> bool:
    runs = ast.unparse(call.func).rpartition(".")[2] in RUNNERS and len(call.args) > 1
    return runs and isinstance(call.args[1], ast.List | ast.Tuple | ast.ListComp)


def without(name: str, module: ast.Module) -> ast.Module:
    """Return a module without one of its functions."""
    left = [one for one in module.body if getattr(one, "name", "") != name]
    return ast.Module(left, module.type_ignores)


def test_sql_has_named_parameters() -> None:
    home, _, bulk = BULK.rpartition(".")
    modules = {name: tree(path) for name, path in files().items()}
    assert set(positional(modules[home])), "the exception is none any more"
    modules[home] = without(bulk, modules[home])

    assert {name: lines for name, one in modules.items() if (lines := [*positional(one)])} == {}


@pytest.mark.parametrize(
    "text",
    [
        'rows(f"SELECT 1 FROM {JOB} WHERE id = %s", given)',
        'also = f" AND {column} = %s"',
        'later("%s")',
        'database.rows(f"SELECT 1 FROM {JOB} WHERE {CONDITION}", [now, *ids])',
        "Statement(text, (now,))",
    ],
)
def test_every_positional_parameter_is_seen(text: str) -> None:
    assert set(positional(ast.parse(text))) == {1}


@pytest.mark.parametrize(
    "text",
    [
        'logger.warning("the lease of %s is not renewed", name)',
        'logger.error("%s", error)',
        'rows("SELECT 1 WHERE id = %(id)s", {"id": 1})',
        "rows(text, {**columns, **params})",
    ],
)
def test_what_has_names_is_let_through(text: str) -> None:
    assert list(positional(ast.parse(text))) == []
