"""A class's name says which one is meant: no two share one."""

from __future__ import annotations

import ast
from collections import Counter

from tests.unit.house.source import files, tree


def test_no_two_classes_share_a_name() -> None:
    counted = Counter(
        node.name
        for path in files().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name != "Meta"
    )
    assert len(counted) > 100
    assert {name for name, count in counted.items() if count > 1} == set()
