"""Each id of a system check stands for one problem, so that silencing it silences nothing else."""

from __future__ import annotations

import ast
from collections import Counter

from tests.unit.house.source import files, tree

#: One problem that is found in two ways.
SHARED = {"offload.E001"}


def ids(module: ast.Module) -> list[str]:
    """Return the ids that a module gives to checks."""
    return [
        str(one.value.value)
        for one in ast.walk(module)
        if isinstance(one, ast.keyword)
        and one.arg == "id"
        and isinstance(one.value, ast.Constant)
        and str(one.value.value).startswith("offload.")
    ]


def test_no_id_is_given_twice() -> None:
    found = Counter(one for path in files("offload/checks").values() for one in ids(tree(path)))
    assert len(found) > 20
    assert {one for one, times in found.items() if times > 1} == SHARED
