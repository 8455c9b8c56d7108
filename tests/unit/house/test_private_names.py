"""Tests patch no private name: what they replace is passed in, or has a door."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Still to be passed in; a name that is gone from here may not come back.
LEFT = {
    "JobRequest._lose",
    "Leader._observe",
    "agent._depart",
    "agent._poll",
    "beating._beat",
    "beating._heard_at",
    "beating._link",
    "broker._connect",
    "bulk._change",
    "celery_events._send",
    "definitions._definitions",
    "embedded._answer",
    "leader._observe",
    "leader._seek",
    "offload.testing._is_any_left",
    "publisher._send",
    "results._ask",
    "retention._purge",
    "rulebook._users",
    "rules._write",
    "snapshots._ask",
    "storage._round_trip",
    "tracing._facts",
    "worker._agent_lives",
}


def patched(module: ast.Module) -> Iterator[str]:
    """Yield the private names that a module of tests patches, each with whose it is."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr"):
            yield from private(node)


def private(call: ast.Call) -> Iterator[str]:
    """Yield what a call sets, if its name is private: "owner", "_name" or "owner._name"."""
    text = [one.value for one in call.args[:2] if isinstance(one, ast.Constant)]
    name = str(text[0]) if text else ""
    if name.rpartition(".")[2].startswith("_"):
        yield name if "." in name else f"{ast.unparse(call.args[0])}.{name}"


def test_no_other_private_names_are_patched() -> None:
    found = {name for path in files("tests").values() for name in patched(tree(path))}
    assert found == LEFT


def test_a_private_name_that_is_patched_would_be_seen() -> None:
    texts = ["m.setattr(a, '_b', 1)", "m.setattr('a._b', 1)", "m.setattr(a, 'b', '_c')"]
    assert [list(patched(ast.parse(text))) for text in texts] == [["a._b"], ["a._b"], []]
