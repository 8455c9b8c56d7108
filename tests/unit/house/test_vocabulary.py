"""One word for an idea: coined names that gave way to the terms of the field stay away.

The modules that had such names are held by ``test_shape``; this holds the names in the code.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Words that no identifier has, alone or in a compound, by the term that stands for them.
RETIRED = {
    "applying": "in_force, enforcement",
    "bell": "wakeup",
    "bury": "declare_gone, evacuate",
    "carrier": "builtin task",
    "carriers": "builtin tasks",
    "fences": "fencing, AttemptKey",
    "handing": "async_completion",
    "holdings": "in_flight",
    "insist": "keep_trying",
    "lapse": "lease_expiry",
    "lapsed": "lease_expired",
    "logbook": "audit_log",
    "patience": "timeout",
    "refusing": "refusal, handler",
    "seat": "holder",
    "signs": "badges",
    "standing": "rule_status, stalls",
    "standings": "rule_status",
    "stray": "orphaned",
    "strays": "orphans",
    "terms": "bounds, options, fields",
    "unbegun": "unstarted",
    "whereabouts": "queries",
}
#: Words that are plain English in a compound, such as ``acks_late``, and of a local variable: what
#: a module offers by this name alone said something else.
RETIRED_ALONE = {
    "ends": "terminations",
    "fence": "fencing, AttemptKey",
    "fills": "replacements",
    "late": "lazy",
    "returns": "requeue",
    "seen": "snapshot, current, facts",
    "sentences": "states",
    "sign": "badge",
    "told": "text, problem, event",
    "traces": "rollback_cleanup",
}
#: Such names in their ordinary meaning.
EXCEPTIONS = {
    # The number that rises within a queue, as it is called where storages check one.
    "offload.worker.tasks.current_job: fence",
}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def identifiers(module: ast.Module) -> Iterator[str]:
    """Yield the names that a module gives or uses."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.rpartition(".")[2]


def offered(module: ast.Module) -> Iterator[str]:
    """Yield the names by which a module's functions, methods and classes are called."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def retired(name: str) -> bool:
    """Return whether an identifier has a word that was given up."""
    return not {word.lower() for word in WORD.findall(name)}.isdisjoint(RETIRED)


def retired_alone(name: str) -> bool:
    """Return whether an identifier is, but for case and underscores, a word that was given up."""
    return name.strip("_").lower() in RETIRED_ALONE


@pytest.mark.parametrize("folder", ["offload", "project", "tests"])
def test_no_identifier_has_a_retired_word(folder: str) -> None:
    found = {
        f"{module}: {name}"
        for module, path in files(folder).items()
        for name in (*module.split("."), *identifiers(tree(path)))
        if retired(name)
    }
    assert found == set()


@pytest.mark.parametrize("folder", ["offload", "project"])
def test_nothing_is_called_by_a_retired_word_alone(folder: str) -> None:
    found = {
        f"{module}: {name}"
        for module, path in files(folder).items()
        for name in (*module.split("."), *offered(tree(path)))
        if retired_alone(name)
    }
    assert found - EXCEPTIONS == set()


@pytest.mark.parametrize("name", ["Holdings", "_ring_bell", "CARRIERS", "SubmitTerms"])
def test_a_retired_word_would_be_seen(name: str) -> None:
    assert retired(name)


@pytest.mark.parametrize("name", ["acks_late", "InFlight", "stands", "Term", "assign"])
def test_ordinary_words_are_no_retired_ones(name: str) -> None:
    assert not retired(name)
    assert not retired_alone(name)


def test_a_word_alone_would_be_seen() -> None:
    assert retired_alone("_late")
    assert retired_alone("Sign")
