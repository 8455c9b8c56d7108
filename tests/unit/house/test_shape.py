"""The shape of the house: small folders, modules and functions, and no circles."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from statistics import median, quantiles

import pytest

from tests.unit.house.source import ROOT, files, functions, imported, length

MODULES = 16
MODULE_LINES = 250
#: Still to be split.
LONG = {"tests.integration.files.transports.test_http_grants", "tests.unit.protocol.peers.model"}
FUNCTION_LINES = 40
MEDIAN_LINES = 5
MOST_LINES = 12

PACKAGES = sorted(name for name, path in files().items() if path.name == "__init__.py")


@cache
def lengths() -> dict[str, int]:
    """Return the length of each function, by module, line and name."""
    return {
        f"{name}:{function.lineno} {function.name}": length(function)
        for name, path in files().items()
        for function in functions(path)
    }


@cache
def graphs() -> dict[str, dict[str, set[str]]]:
    """Return for each package which of its members import which others, however deep inside."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, path in files().items():
        for target in imported(path, with_types=False):
            module = target if target in files() else target.rpartition(".")[0]
            if module in files():
                _meet(found, name.split("."), module.split("."))
    return found


def _meet(found: dict[str, dict[str, set[str]]], one: list[str], other: list[str]) -> None:
    """Note an arrow where two paths part; a package and what is in it are not two members."""
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    if common < min(len(one), len(other)):
        found[".".join(one[:common])][one[common]].add(other[common])


@pytest.mark.parametrize("package", ["offload", "project", "tests"])
def test_no_folder_has_too_many_modules(package: str) -> None:
    modules = [path for path in files(package).values() if path.name != "__init__.py"]
    counted = Counter(path.parent for path in modules)
    assert {str(folder): n for folder, n in counted.items() if n > MODULES} == {}


@pytest.mark.parametrize("package", ["offload", "project", "tests"])
def test_no_module_is_too_long(package: str) -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in files(package).items()}
    assert {name: n for name, n in lines.items() if n > MODULE_LINES and name not in LONG} == {}


def test_no_function_is_too_long() -> None:
    assert {name: n for name, n in lengths().items() if n > FUNCTION_LINES} == {}


def test_most_functions_are_short() -> None:
    assert len(lengths()) > 1000
    assert median(lengths().values()) <= MEDIAN_LINES
    assert quantiles(lengths().values(), n=10)[-1] <= MOST_LINES


def test_every_place_where_imports_part_is_a_package() -> None:
    assert len(graphs()) > 20
    assert graphs().keys() <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_members_of_a_package_import_in_one_direction(package: str) -> None:
    try:
        TopologicalSorter(graphs().get(package, {})).prepare()
    except CycleError as error:
        pytest.fail(f"A circle in {package}: {' <- '.join(error.args[1])}")


def test_a_circle_would_be_seen() -> None:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    _meet(found, ["offload", "a", "x"], ["offload", "b"])
    _meet(found, ["offload", "b"], ["offload", "a", "y"])
    with pytest.raises(CycleError):
        TopologicalSorter(found["offload"]).prepare()


#: Names that modules had, each replaced by the term of the field.
RETIRED = [
    "agent/duty",
    "agent/lease",
    "agent/parent",
    "applying",
    "bell",
    "browser/changes",
    "carriers",
    "dispatch/sending",
    "dispatch/unbegun",
    "engine",
    "exceptions/given",
    "exceptions/missing",
    "exceptions/root",
    "exceptions/running",
    "fences",
    "fills",
    "handing",
    "holdings",
    "lapse",
    "late",
    "logbook",
    "patience",
    "reading/jobs/finding",
    "refusing",
    "returns",
    "sentences",
    "signs",
    "standings",
    "traces",
    "tracking/changes",
    "tracking/ends",
    "tracking/placeholders",
    "tracking/runs",
    "whereabouts",
    "worker/lease",
]


@pytest.mark.parametrize("retired", RETIRED)
def test_no_module_has_a_retired_name(retired: str) -> None:
    paths = [
        f"/{path.relative_to(ROOT).with_suffix('')}/"
        for folder in ("offload", "project", "tests")
        for path in files(folder).values()
    ]
    parts = {f"/{retired}/", f"/{retired.replace('/', '/test_')}/", f"/test_{retired}/"}
    assert [path for path in paths if any(part in path for part in parts)] == []
