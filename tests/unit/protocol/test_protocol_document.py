"""docs/protocol.md says what the code and the model do."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from offload.core.states import TRANSITIONS
from tests.unit.protocol.peers.rules import PeerRules
from tests.unit.protocol.requests.rules import RequestRules
from tests.unit.protocol.rules import Rules

FOLDER = Path(__file__).parent
DOCUMENT = (FOLDER.parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_table_of_transitions_is_the_one_of_the_code() -> None:
    written = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_]+) \|", DOCUMENT, flags=re.MULTILINE)
    legal = [(old.value, new.value) for old, to in TRANSITIONS.items() for new in to]

    assert sorted(written) == sorted(legal)


def test_every_arrow_of_the_picture_is_in_the_table() -> None:
    arrows = set(re.findall(r"^    ([A-Z_]+) --> ([A-Z_]+):", DOCUMENT, flags=re.MULTILINE))
    legal = {(old.value, new.value) for old, to in TRANSITIONS.items() for new in to}

    assert arrows
    assert arrows <= legal


@pytest.mark.parametrize(
    ("module", "rules"),
    [("rules.py", Rules), ("peers/rules.py", PeerRules), ("requests/rules.py", RequestRules)],
    ids=str,
)
def test_every_rule_of_a_model_cites_a_rule_of_the_document(
    module: str, rules: type[Rules | PeerRules | RequestRules]
) -> None:
    source = (FOLDER / module).read_text(encoding="utf-8")
    cited = re.findall(r"#: ([A-Z]\d+[a-d]?(?:, [A-Z]\d+[a-d]?)*): .*\n    \w+: bool", source)
    explained = set(re.findall(r"\*\*([A-Z]\d+[a-d]?) · ", DOCUMENT))

    assert len(cited) == len(fields(rules))
    assert {rule for ids in cited for rule in ids.split(", ")} <= explained
