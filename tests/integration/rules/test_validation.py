"""Rules that cannot be kept are refused with words, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidPattern, InvalidRule
from offload.models import Rule, Switch
from offload.models.versions import current_version
from offload.rules import editing, switching
from tests.integration.world import HERE, THERE, TOPIC, join


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


VERBS: dict[str, Any] = {
    "allow": lambda: editing.allow(HERE, "dam//x"),
    "deny": lambda: editing.deny(HERE, "*/web"),
    "clear": lambda: editing.clear(HERE, ""),
    "exclusive": lambda: editing.exclusive(HERE, ["dam/**", "a/**/b"]),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_pattern_that_is_none_changes_nothing(verb: Any) -> None:
    editing.allow(HERE, "old/*")
    before = current_version()

    with pytest.raises(InvalidPattern):
        verb()

    assert [rule.pattern for rule in Rule.objects.all()] == ["old/*"]
    assert current_version() == before


LONG = "x" * 256
IMPOSSIBLE: dict[str, Any] = {
    "long target": lambda: editing.deny(LONG, TOPIC),
    "long label": lambda: editing.allow(LONG, TOPIC, scope="label"),
    "long name of an exclusive": lambda: editing.exclusive(LONG, [TOPIC]),
    "long note": lambda: editing.deny(HERE, TOPIC, note=LONG),
    "long note of an exclusive": lambda: editing.exclusive(HERE, [TOPIC], note=LONG),
    "long note of a switch": lambda: switching.switch(HERE, off=True, note=LONG),
    "no target": lambda: editing.deny("", TOPIC),
    "no such scope": lambda: editing.deny(HERE, TOPIC, scope="host"),
    "glob as a nodename": lambda: editing.deny("*@gpu1", TOPIC),
    "NUL in a target": lambda: editing.deny("render\0@gpu1", TOPIC),
    "NUL in a note": lambda: editing.deny(HERE, TOPIC, note="\0"),
    "NUL in what is cleared": lambda: editing.clear("\0", TOPIC),
    "NUL in a switch": lambda: switching.switch("\0", off=True),
}


@pytest.mark.parametrize("verb", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_rule_that_cannot_be_kept_is_refused_with_words_and_changes_nothing(verb: Any) -> None:
    editing.allow(HERE, "old/*")
    before = current_version()

    with pytest.raises(InvalidRule, match="Nothing was changed"):
        verb()

    assert [rule.pattern for rule in Rule.objects.all()] == ["old/*"]
    assert not Switch.objects.exists()
    assert current_version() == before
