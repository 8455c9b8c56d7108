"""Conditions that stand often have one place, beside the indexes that answer them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from offload.core.states import JobState
from tests.unit.house.source import PACKAGE, files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Their place; the module of instances and that of joins have one each.
HOMES = {f"offload.models.{name}" for name in ("indexes", "instances", "joins")}
#: SQL, and what querysets say.
REPEATED = re.compile(
    r"state IN \(|state = '\w+' AND (hold|run_at|handed_until)|mode <> '|ORDER BY priority DESC"
    r"|instance = %\(instance\)s AND incarnation = |exclude\(mode=|handed_until__isnull"
    r"|state__in=\[|hold__in=|state__in=FINAL"
)
#: What is left where it stands once, under a name.
NAMED = {"offload.tracking.selectors": 1}
#: A state in SQL; outside its place it is written by its member.
STATE = re.compile(rf"'({'|'.join(JobState)})'")


def test_conditions_are_not_spelt_anew() -> None:
    texts = {name: path.read_text() for name, path in files().items() if name not in HOMES}
    found = {name: len(REPEATED.findall(text)) for name, text in texts.items()}

    assert {name: count for name, count in found.items() if count} == NAMED


def states_in(module: ast.Module, *, alone: bool) -> Iterator[str]:
    """Yield the texts that spell a state for SQL; ``alone`` yields those that are one, too."""
    for node in ast.walk(module):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (STATE.search(text) or (alone and text in set(JobState))):
            yield text


def test_states_are_named_by_their_members() -> None:
    found = {
        name: texts
        for name, path in files().items()
        if name not in {*HOMES, "offload.core.states"}
        if (texts := list(states_in(tree(path), alone=name.startswith("offload.tracking."))))
    }
    assert found == {}, "write {JobState.PENDING}"


@pytest.mark.parametrize("code", ["f\"SET state = 'ACTIVE' {x}\"", '["QUEUED"]'])
def test_a_spelt_state_is_seen(code: str) -> None:
    assert list(states_in(ast.parse(code), alone=True))


@pytest.mark.parametrize(
    "text",
    [
        "WHERE state IN ('QUEUED', 'ACTIVE')",
        "AND state = 'PENDING' AND hold = ''",
        "AND i.mode <> 'gone'",
        "ORDER BY priority DESC, created_at, id",
        "filter(state__in=FINAL)",
        "exclude(mode=Mode.GONE)",
    ],
)
def test_each_way_to_spell_one_is_seen(text: str) -> None:
    assert REPEATED.search(text)


def test_the_places_are_there() -> None:
    assert set(files()) >= HOMES
    assert (PACKAGE / "models" / "indexes.py").read_text().count("Predicate(") > 10
