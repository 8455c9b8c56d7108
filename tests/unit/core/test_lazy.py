"""Names that are loaded at first use, which no lint checks: each must exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from kombu.utils.imports import symbol_by_name

import offload

PACKAGE = Path(offload.__file__).parent
PATH = re.compile(r"offload(\.\w+)+:\w+")


def paths_in(module: str) -> list[str]:
    """Return the texts in a module of the app that name a module and what is in it."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    texts = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and PATH.fullmatch(text)]


MODULES = sorted(
    str(file.relative_to(PACKAGE).with_suffix(""))
    for file in PACKAGE.rglob("*.py")
    if PATH.search(file.read_text())
)
FOUND = [(module, path) for module in MODULES for path in paths_in(module)]


def test_there_are_some_in_the_worker() -> None:
    assert {"worker/tasks/task", "worker/tasks/builtin_tasks", "worker/install"} <= {
        module for module, _ in FOUND
    }


@pytest.mark.parametrize(("module", "path"), FOUND)
def test_what_is_loaded_late_is_there(module: str, path: str) -> None:
    assert callable(symbol_by_name(path))
