"""Each rule of docs/protocol.md is cited where the code keeps it, and none that is not there."""

from __future__ import annotations

import ast
import re
import tokenize
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import ROOT, files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
NOW, _, LATER = DOCUMENT.partition("## For later")
#: A rule begins with its id in bold.
HEADING = re.compile(r"\*\*([A-Z]\d+[a-z]?) · ")
RULES, PLANNED = set(HEADING.findall(NOW)), set(HEADING.findall(LATER))
#: An id where it stands for itself: no part of a name, nor of a code that a linter is silenced for.
CITED = re.compile(r"(?<![\w.-])([ABEFGKPR]\d{1,2}[a-d]?)\b")
NOQA = re.compile(r"noqa:[\w ,]+")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def citations() -> dict[str, list[str]]:
    """Return the modules that cite each rule, by its id."""
    found = defaultdict(list)
    for name, path in files().items():
        for text in (*docstrings(tree(path)), *comments(path)):
            for rule in cited(text):
                found[rule].append(name)
    return found


def docstrings(module: ast.Module) -> Iterator[str]:
    """Yield the docstrings of a module, of its classes and functions too."""
    for node in ast.walk(module):
        if isinstance(node, DOCUMENTED):
            yield ast.get_docstring(node) or ""


def comments(path: Path) -> Iterator[str]:
    """Yield the comments of a module."""
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def cited(text: str) -> list[str]:
    """Return the ids of rules that a docstring or comment cites."""
    return CITED.findall(NOQA.sub("", text))


def test_the_document_has_rules_in_every_section() -> None:
    assert {rule[0] for rule in RULES} == set("ABRKEFGP")
    assert {rule[0] for rule in PLANNED} == set("FG")
    assert not RULES & PLANNED


def test_every_rule_of_peers_is_kept_by_their_model() -> None:
    models = (ROOT / "tests/unit/protocol" / one for one in ("peers", "requests", "whole"))
    source = "".join((one / "rules.py").read_text(encoding="utf-8") for one in models)

    assert {rule for rule in RULES if rule[0] == "P"} == set(cited(source))


def test_every_rule_is_cited_where_the_code_keeps_it() -> None:
    assert sorted(RULES - citations().keys()) == []


def test_no_rule_is_cited_that_is_not_kept_or_not_there() -> None:
    unknown = {rule: places for rule, places in citations().items() if rule not in RULES}

    assert unknown == {}, "it is not in docs/protocol.md, or there for later alone"


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Claim the job (R1).", ["R1"]),
        ("# R9, R10", ["R9", "R10"]),
        ("#: B8a: a binding names its version.", ["B8a"]),
        ("# noqa: B008, F401 - a default", []),
        ("an offload.E014 of the checks, AES-F1, UTF8, K1x", []),
    ],
)
def test_ids_are_told_from_what_looks_like_one(text: str, rules: list[str]) -> None:
    assert cited(text) == rules
